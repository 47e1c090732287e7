/** What was dispatched in one slot of time, and how many of that missed their deadline. */
export interface Slot {
  readonly slot: number;
  readonly dispatched: number;
  readonly missed: number;
}

/** A time in which more was missed than is ordinary; both edges are slots in which something was missed. */
export interface Segment {
  readonly from: number;
  readonly until: number;
}

/** Shares of what is dispatched: so much is missed on ordinary days, and so much in an outage that people must hear of. */
const ordinaryShare = 0.05;
const outageShare = 0.3;
/**
 * How much more likely an outage must be than chance, as a logarithm: 100,000 times. With so much missed for ever as is ordinary
 * an incident would come of chance once in as many slips; with 1 % missed, once in a thousand million (Wald's bound).
 */
const scoreMin = Math.log(100_000);
/**
 * So much says within a time that the outage was over, were it 76 slips in a row that came back. An outage that loses 30 % does not look like that
 * by chance, one that loses 20 % once in 2,000 of its lulls; without a bound two great outages of a day were one, and the greater, the more surely.
 */
const overScore = 2 * scoreMin;

/** What one slip says for an outage and against ordinary days: the logarithm of the likelihood ratio. */
const missedScore = Math.log(outageShare / ordinaryShare);
const returnedScore = Math.log((1 - outageShare) / (1 - ordinaryShare));

interface Candidate extends Segment {
  /** The sum of all scores before it, and with it. */
  readonly before: number;
  readonly after: number;
}

/**
 * The times of outages: all maximal scoring subsequences (W. L. Ruzzo and M. Tompa, "A linear time algorithm for finding all
 * maximal scoring subsequences", ISMB 1999) of the slips in the order of their dispatch, of which none goes on over a time that
 * ends an outage (the drop-off of S. Altschul et al., "Gapped BLAST and PSI-BLAST", 1997). They are disjoint, and depend on the
 * counts alone, in whatever order those are given.
 */
export function segmentsOf(slots: readonly Slot[]): Segment[] {
  const found: Candidate[] = [];
  let sum = 0;
  for (const { slot, dispatched, missed } of slots.toSorted((a, b) => a.slot - b.slot)) {
    // Of what was never dispatched nothing is known but that it was missed.
    const score = missed * missedScore + Math.max(0, dispatched - missed) * returnedScore;
    const before = sum;
    sum += score;
    if (score > 0) join(found, { from: slot, until: slot, before, after: sum });
  }
  return found
    .filter(({ before, after }) => after - before >= scoreMin)
    .map(({ from, until }) => ({ from, until }));
}

/**
 * The step of the algorithm: a new candidate takes in those before it with which it scores more than by itself, unless the outage was over
 * between them: then those yet earlier lie behind that time, too.
 */
function join(found: Candidate[], next: Candidate): void {
  for (;;) {
    const at = found.findLastIndex(({ before }) => before < next.before);
    const left = found[at];
    if (left === undefined || left.after >= next.after || left.after - next.before >= overScore) {
      found.push(next);
      return;
    }
    found.splice(at);
    next = { from: left.from, until: next.until, before: left.before, after: next.after };
  }
}
