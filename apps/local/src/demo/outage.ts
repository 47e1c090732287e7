/** The demo's outage that loses answers: in this time the provider does its work and tells nobody. */
export interface DemoOutage {
  readonly provider: string;
  /** Milliseconds since 1970; `until` not included. */
  readonly from: number;
  readonly until: number;
  /** So long before and after it the provider's answers are not lost otherwise: its edges can be seen. */
  readonly calmMs: number;
}

/** @param startMs of a feed that takes `overMs` */
export function demoOutage(startMs: number, overMs: number): DemoOutage {
  const at = (share: number) => startMs + Math.round(share * overMs);
  // Nobody asks this provider before a deadline has passed (deploy/local): what it does not tell is missed.
  return { provider: 'acme', from: at(0.35), until: at(0.6), calmMs: Math.round(overMs / 6) };
}

/** A row of `GET /v1/truth`. */
export interface ToldTruth {
  readonly slip_id: string;
  readonly provider: string;
  readonly received_at: string;
  readonly answers: readonly { readonly what: string; readonly delivered_at: string | null }[];
}

/** When a slip was dispatched and had to be answered, as the ledger shows it, and why it was not in time. */
export interface ShownTimes {
  readonly id: string;
  readonly deadline: string | null;
  readonly dispatched_at: string | null;
  readonly cause: { readonly class: string } | null;
}

/** An incident with its list, as reconciliation shows them. */
export interface ShownIncident {
  readonly id: string;
  readonly provider: string | null;
  readonly since: string;
  readonly until: string;
  readonly causes: readonly { readonly code: string; readonly slips: number }[];
  readonly slips: readonly string[];
}

/** What is told of the outage in the demo's last line. */
export interface JudgedOutage {
  /** Of this feed, of providers; the outage makes one. */
  readonly incidents: number;
  /** Of this feed, of our own: a busy machine stands still now and then. */
  readonly own_incidents: number;
  /** Whose answers the provider lost, by its own word. */
  readonly outage_slips: number;
  /** Slips that are in the outage's incident wrongly, or lack there; and edges that are not their first and last dispatch. */
  readonly incident_differs: number;
}

/** What was delivered so close to the deadline may have become durable on either side of it. */
const boundaryMs = 1_000;

/**
 * Compares incidents with what the provider really said. In the list of the outage's incident belongs whatever the provider was given
 * between its edges and did not answer by the deadline; either way what a standstill of ours, which a busy machine has, would have cost, too.
 */
export function judgeOutage(
  { provider, from, until }: DemoOutage,
  facts: {
    readonly truth: readonly ToldTruth[];
    readonly slips: readonly ShownTimes[];
    readonly incidents: readonly ShownIncident[];
  },
): JudgedOutage {
  const shown = new Map(facts.slips.map((slip) => [slip.id, slip]));
  const given = facts.truth.filter((row) => row.provider === provider && shown.has(row.slip_id));
  const lost = new Set(
    given.flatMap(({ slip_id, received_at, answers }) => {
      const at = Date.parse(received_at);
      return at >= from && at < until && !answers.some(isCallback) ? slip_id : [];
    }),
  );
  const ours = facts.incidents.filter(({ slips }) => slips.some((id) => shown.has(id)));
  const told = { ...countedBy(ours), outage_slips: lost.size };
  const isOurs = ({ cause }: ShownTimes) => cause?.class === 'system';
  const [incident] = ours
    .filter((one) => one.provider === provider)
    .toSorted((a, b) => countOf(b, lost) - countOf(a, lost));
  if (incident === undefined)
    return { ...told, incident_differs: [...lost].filter((id) => !isOurs(shown.get(id)!)).length };
  const listed = new Set(incident.slips);
  const isBetween = ({ dispatched_at }: ShownTimes) =>
    dispatched_at !== null && dispatched_at >= incident.since && dispatched_at <= incident.until;
  const wrong = given.filter((row) => {
    const slip = shown.get(row.slip_id)!;
    const answered = firstAnswer(row) - Date.parse(slip.deadline!);
    if (listed.has(slip.id)) return answered <= -boundaryMs;
    if (isOurs(slip)) return false;
    return lost.has(slip.id) || (isBetween(slip) && answered > boundaryMs);
  });
  const unknown = incident.slips.filter((id) => !given.some(({ slip_id }) => slip_id === id));
  const times = incident.slips.flatMap((id) => shown.get(id)?.dispatched_at ?? []).toSorted();
  const edges = [times[0] === incident.since, times.at(-1) === incident.until];
  const differs = wrong.length + unknown.length + edges.filter((isRight) => !isRight).length;
  return { ...told, incident_differs: differs };
}

/** The outage that was wholly a standstill of ours is one of our own. */
function countedBy(incidents: readonly ShownIncident[]): Pick<JudgedOutage, 'incidents' | 'own_incidents'> {
  const own = incidents.filter(({ provider }) => provider === null).length;
  return { incidents: incidents.length - own, own_incidents: own };
}

function isCallback({ what, delivered_at }: ToldTruth['answers'][number]): boolean {
  return what === 'callback' && delivered_at !== null;
}

/** Infinity: nobody was told unasked. */
function firstAnswer({ answers }: ToldTruth): number {
  const told = answers.flatMap(({ delivered_at }) => (delivered_at === null ? [] : Date.parse(delivered_at)));
  return Math.min(...told, Number.POSITIVE_INFINITY);
}

function countOf({ slips }: ShownIncident, lost: ReadonlySet<string>): number {
  return slips.filter((id) => lost.has(id)).length;
}
