import type { Instant } from '@slipstream/kernel';
import { CliError } from '../exit.ts';
import type { LoggedRecord, Span } from './records.ts';

/** Which records of the log are meant; null: any. */
export interface Selection {
  /** By the event's time: from then on, and before then. */
  readonly from: Instant | null;
  readonly to: Instant | null;
  /** By partition; of those that are not named, nothing. */
  readonly offsets: ReadonlyMap<number, OffsetRange> | null;
  readonly slips: ReadonlySet<string> | null;
  readonly types: ReadonlySet<string> | null;
  readonly sources: ReadonlySet<string> | null;
  readonly clock: string | null;
}

export interface OffsetRange {
  readonly from: number;
  /** Included; null: to the end. */
  readonly to: number | null;
}

/** A record that cannot be read is of no type, source or clock. */
export function isMeant(
  { from, to, slips, types, sources, clock }: Selection,
  { key, time, head }: LoggedRecord,
): boolean {
  if (slips !== null && !slips.has(head?.slipId ?? key ?? '')) return false;
  if ((from !== null && time < from) || (to !== null && time >= to)) return false;
  if (types !== null && (head === null || !types.has(head.type))) return false;
  if (sources !== null && (head === null || !sources.has(head.source))) return false;
  return clock === null || head?.clock === clock;
}

/** What of the log is looked at: of each partition, the offsets that are meant. */
export function spansOf({ offsets }: Selection, log: ReadonlyMap<number, Span>): ReadonlyMap<number, Span> {
  if (offsets === null) return log;
  const spans = new Map<number, Span>();
  for (const [partition, { from, to }] of offsets) {
    const whole = log.get(partition);
    if (whole === undefined) throw new CliError('usage', `the log has no partition ${partition}`);
    const { start: first, end } = whole;
    if (from >= end || (to !== null && to < first)) {
      const has = end > first ? `the offsets ${first} to ${end - 1}` : 'no record';
      throw new CliError('bad', `partition ${partition} of the log has ${has}`);
    }
    const start = Math.max(first, from);
    spans.set(partition, { start, end: Math.max(start, Math.min(end, (to ?? end) + 1)) });
  }
  return spans;
}

/** What retention took in the meantime would be a gap, and a log that is shorter is another one. @throws CliError (bad) */
export function requireStillThere(
  log: ReadonlyMap<number, Span>,
  { positions, ends }: Readonly<Record<'positions' | 'ends', Readonly<Record<string, number>>>>,
): void {
  for (const [partition, end] of Object.entries(ends)) {
    const next = positions[partition] ?? 0;
    const has = log.get(Number(partition));
    if (next >= end || (has !== undefined && has.start <= next && end <= has.end)) continue;
    const now = has === undefined ? 'none of it' : `${has.start} to ${has.end - 1}`;
    throw new CliError(
      'bad',
      `partition ${partition} of the log had the offsets ${next} to ${end - 1} still to replay, and has ${now} now: it cannot go on`,
    );
  }
}

/** `3:100-200`, `3:100-`, `3:100`: a partition and offsets, both included. */
export function parseOffsets(text: string): readonly [number, OffsetRange] | null {
  const match = /^(\d{1,5}):(\d{1,15})(?:(-)(\d{1,15})?)?$/.exec(text);
  if (match === null) return null;
  const [, partition, first, isRange, last] = match;
  const from = Number(first);
  const to = last !== undefined ? Number(last) : isRange ? null : from;
  return to !== null && to < from ? null : [Number(partition), { from, to }];
}
