export interface WaitLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

/** `minMs` the first time, doubled each further time up to `maxMs`. @param times from 1 */
export function doublingMs(times: number, { minMs, maxMs }: WaitLimits): number {
  return Math.min(minMs * 2 ** Math.max(0, times - 1), maxMs);
}

/**
 * How long to wait after a failure: {@link doublingMs} of the failures in a row, and of that the upper half at random,
 * so that many who failed together don't come back together.
 * @param failures in a row, from 1
 * @param random in [0, 1)
 */
export function backoffMs(failures: number, limits: WaitLimits, random: number): number {
  const full = doublingMs(failures, limits);
  return full / 2 + (random * full) / 2;
}
