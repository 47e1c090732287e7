import { earlier, type Instant, instantToMicros } from '@slipstream/kernel';
import { type Judgeable, judgedThrough } from './judgeable.ts';

/**
 * Up to when live deadlines can be judged on every partition owned. A partition counts from the time since which it is
 * owned: what happened to it before is not this detector's blindness.
 */
export function seenThrough(
  ranges: readonly Judgeable[],
  awaitingHold: ReadonlySet<Judgeable>,
  ownedSince: ReadonlyMap<number, Instant>,
): Instant {
  const seen = new Map(ownedSince);
  for (const range of ranges) {
    const through = judgedThrough(range, awaitingHold.has(range));
    if (through > seen.get(range.partition)!) seen.set(range.partition, through);
  }
  return [...seen.values()].reduce(earlier);
}

/** How far a watermark lies behind `now`, in milliseconds; never negative. */
export function lagMs(mark: Instant, now: Instant): number {
  return Math.max(0, Number((instantToMicros(now) - instantToMicros(mark)) / 1000n));
}
