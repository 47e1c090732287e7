const leastMs = 20;
const mostMs = 60;
/** So that a round takes a third of the time at most. */
const times = 3;

/**
 * Milliseconds between the beginnings of two rounds of work, each of which costs the same whether it is about one thing or
 * twenty (a transaction, a request to a broker), while things trickle in. They grow with what the last round took: on a
 * machine that is full every round takes longer, and only fewer and larger ones empty it.
 */
export function restMs(tookMs: number): number {
  return Math.min(mostMs, Math.max(leastMs, times * tookMs));
}
