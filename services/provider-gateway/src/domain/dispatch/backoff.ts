/**
 * Exponential backoff with equal jitter: half of the step is fixed, half is random, so that retries spread out.
 * @param attempt the attempt that failed, from 1
 * @param random in [0, 1)
 * @returns milliseconds to wait
 */
export function retryDelayMs(
  attempt: number,
  limits: { readonly retryInitialMs: number; readonly retryMaxMs: number },
  random: number,
): number {
  const step = Math.min(limits.retryMaxMs, limits.retryInitialMs * 2 ** Math.min(attempt - 1, 40));
  return Math.round(step / 2 + (step / 2) * random);
}
