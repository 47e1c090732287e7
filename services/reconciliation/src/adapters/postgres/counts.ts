import type { Change } from '../../application/advance.ts';

/** What a transaction adds to the counts of one clock. */
export interface Counts {
  readonly clock: string;
  slips: number;
  inTime: number;
  overdue: number;
  notReturned: number;
}

/** Clocks without a change are left out; in the order in which their rows are locked. */
export function countsOf(changes: readonly Change[]): Counts[] {
  const byClock = new Map<string, Counts>();
  for (const change of changes) {
    const { clock } = change.slip.state;
    let counts = byClock.get(clock);
    if (!counts) {
      counts = { clock, slips: 0, inTime: 0, overdue: 0, notReturned: 0 };
      byClock.set(clock, counts);
    }
    add(counts, change);
  }
  return [...byClock.values()]
    .filter(({ slips, inTime, overdue, notReturned }) => slips + inTime + overdue + notReturned > 0)
    .sort((a, b) => (a.clock < b.clock ? -1 : 1));
}

/** A slip gets one verdict, once, so sums of differences count slips. */
function add(counts: Counts, { slip, before }: Change): void {
  const judged = (before?.verdict ?? 'open') === 'open';
  if (before === null) counts.slips++;
  if (judged && slip.verdict === 'in_time') counts.inTime++;
  if (judged && slip.verdict === 'overdue') counts.overdue++;
  if (slip.state.notReturned !== null && (before?.state.notReturned ?? null) === null) counts.notReturned++;
}
