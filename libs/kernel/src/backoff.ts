/**
 * How long to wait after a failure: `minMs`, doubled after each further one in a row up to `maxMs`, and of that the
 * upper half at random, so that many who failed together don't come back together.
 * @param failures in a row, from 1
 * @param random in [0, 1)
 */
export function backoffMs(
  failures: number,
  limits: { readonly minMs: number; readonly maxMs: number },
  random: number,
): number {
  const full = Math.min(limits.minMs * 2 ** Math.max(0, failures - 1), limits.maxMs);
  return full / 2 + (random * full) / 2;
}
