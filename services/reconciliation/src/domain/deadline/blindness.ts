import { type Instant, instantToMicros } from '@slipstream/kernel';

/** A detector that hears nothing for this long says so: silence would look like "nothing is overdue". */
export const blindAfterMs = 15_000;

/** How far a watermark lies behind `now`, in milliseconds; never negative. */
export function lagMs(mark: Instant, now: Instant): number {
  return Math.max(0, Number((instantToMicros(now) - instantToMicros(mark)) / 1000n));
}
