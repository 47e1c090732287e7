import type { Segment } from './segments.ts';

/** Whose outage it is: a provider's name, or our own. */
export type Side = string;
export const ownSide: Side = '';

/** A warning that stands: too little comes back of a provider on a route. */
export interface Warning {
  /** The id of its ReturnsFalling. */
  readonly id: string;
  readonly provider: string;
  /** Slots: what was dispatched from here on, and when it was found. */
  readonly since: number;
  readonly foundAt: number;
}

/** An incident of which something may still be added; times in slots of dispatch. */
export interface Incident {
  readonly id: string;
  readonly side: Side;
  readonly from: number;
  readonly until: number;
  readonly isOpen: boolean;
  /** The first is the one that it began with; empty: it began with missed slips. */
  readonly warnings: readonly string[];
}

export interface Decided {
  readonly incident: Incident;
  /** `opened`: also one that had been closed. */
  readonly change: 'opened' | 'grown';
  /** Open ones that turn out to be of the same outage. */
  readonly merged: readonly string[];
}

/**
 * Which incidents there are, of what is known: one outage is one incident, whether it was first seen by a warning or by missed
 * deadlines. What has not changed is left out. `newId`: of an incident that no warning announced.
 */
export function decideIncidents(
  known: readonly Incident[],
  segments: ReadonlyMap<Side, readonly Segment[]>,
  warnings: readonly Warning[],
  newId: (side: Side, from: number) => string,
): Decided[] {
  const sides = new Set([...segments.keys(), ...warnings.map(({ provider }) => provider)]);
  return [...sides].sort().flatMap((side) => {
    const ours = known.filter((one) => one.side === side);
    return ofSide(side, ours, segments.get(side) ?? [], warningsOf(warnings, side), newId);
  });
}

interface Span {
  readonly from: number;
  /** Infinity: it goes on. */
  readonly until: number;
  readonly segment: Segment | null;
  readonly warning: Warning | null;
}

function warningsOf(warnings: readonly Warning[], side: Side): Warning[] {
  return warnings.filter(({ provider }) => provider === side).sort((a, b) => a.since - b.since);
}

function ofSide(
  side: Side,
  known: readonly Incident[],
  segments: readonly Segment[],
  warnings: readonly Warning[],
  newId: (side: Side, from: number) => string,
): Decided[] {
  const spans: Span[] = [
    ...segments.map((segment) => ({ from: segment.from, until: segment.until, segment, warning: null })),
    ...warnings.map((warning) => ({
      ...{ from: warning.since, until: Number.POSITIVE_INFINITY, segment: null, warning },
    })),
  ];
  return outagesOf(spans).flatMap((outage) => {
    // What a warning of it already opened is known by its warning, wherever its edges lie now.
    const mine = known
      .filter((one) => isOf(one, outage))
      .sort((a, b) => Number(b.isOpen) - Number(a.isOpen) || a.from - b.from || (a.id < b.id ? -1 : 1));
    const [first, ...others] = mine;
    const incident = incidentOf(side, first, outage, newId);
    const merged = others.filter(({ isOpen }) => isOpen).map(({ id }) => id);
    if (first && same(first, incident) && merged.length === 0) return [];
    return [{ incident, change: first?.isOpen ? ('grown' as const) : ('opened' as const), merged }];
  });
}

/** Spans that overlap are of one outage. */
function outagesOf(spans: readonly Span[]): Span[][] {
  const outages: Span[][] = [];
  let until = Number.NEGATIVE_INFINITY;
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    if (span.from <= until) outages.at(-1)!.push(span);
    else outages.push([span]);
    until = Math.max(until, span.until);
  }
  return outages;
}

function isOf(known: Incident, outage: readonly Span[]): boolean {
  return outage.some(
    ({ from, until, warning }) =>
      (from <= known.until && known.from <= until) ||
      (warning !== null && known.warnings.includes(warning.id)),
  );
}

function incidentOf(
  side: Side,
  known: Incident | undefined,
  outage: readonly Span[],
  newId: (side: Side, from: number) => string,
): Incident {
  const warnings = outage.flatMap(({ warning }) => warning ?? []);
  const ends = outage.map(({ segment, warning }) => segment?.until ?? warning!.foundAt);
  const from = Math.min(...outage.map((span) => span.from), known?.from ?? Number.POSITIVE_INFINITY);
  const until = Math.max(...ends, known?.until ?? Number.NEGATIVE_INFINITY);
  const said = [...(known?.warnings ?? []), ...warnings.map(({ id }) => id)];
  const id = known?.id ?? warnings[0]?.id ?? newId(side, from);
  return { id, side, from, until, isOpen: true, warnings: [...new Set(said)] };
}

/** A closed one that has not grown stays closed. */
function same(a: Incident, b: Incident): boolean {
  return a.from === b.from && a.until === b.until && a.warnings.length === b.warnings.length;
}
