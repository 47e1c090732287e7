import type { Tick } from '@slipstream/contracts';
import { instantToMicros } from '@slipstream/kernel';

/** A step of a clock is seen at once; that it is right again, or that it went slow, after this long. */
export const skewWindowMs = 10_000;

/** One tick's word about a clock. */
export interface SkewSample {
  /** When the tick arrived here, on a monotonic clock. */
  readonly arrivedMs: number;
  /** How much later than its reading the broker appended it, less what the way to the broker explains. */
  readonly delayMs: number;
}

/** So much a reading may lie before the last one without a step: two that speak by turns may overtake each other. */
const setBackMsMin = 1_000;

/** Whether the clock went back between two ticks, of which the second was appended later. */
export function wasSetBack(before: Tick, next: Tick): boolean {
  if (before.reading === null || next.reading === null) return false;
  const backMs = Number(instantToMicros(before.reading) - instantToMicros(next.reading)) / 1_000;
  return backMs > setBackMsMin;
}

/** Adds a sample and drops those that are older than the window. */
export function withSample(samples: readonly SkewSample[], sample: SkewSample): readonly SkewSample[] {
  return [...samples.filter(({ arrivedMs }) => sample.arrivedMs - arrivedMs < skewWindowMs), sample];
}

/**
 * How far a database's clock lies ahead of the broker's, in milliseconds; negative: behind. A delay is the time a tick
 * was on its way less what the clock is ahead, and being on its way takes no negative time: so the least delay of the
 * window is the nearest to the truth, and a broker that is slow now and then looks like no skew. One that is always
 * slow is told by what the source measured of its way there. Once a clock went back, what was measured before says nothing of how far it lies behind
 * now; that it was ahead is remembered as long as ever. Null: never measured.
 * @param setBackAtMs when the first tick arrived that was read behind the one before; null: none was
 */
export function skewMsOf(samples: readonly SkewSample[], setBackAtMs: number | null): number | null {
  const all = leastDelayed(samples);
  const since = setBackAtMs === null ? [] : samples.filter(({ arrivedMs }) => arrivedMs >= setBackAtMs);
  const now = leastDelayed(since);
  return all !== null && now !== null && Math.abs(now) > Math.abs(all) ? now : all;
}

function leastDelayed(samples: readonly SkewSample[]): number | null {
  if (samples.length === 0) return null;
  return -Math.min(...samples.map(({ delayMs }) => delayMs));
}

export function delayMsOf(tick: Tick, appendedMs: number): number | null {
  if (tick.reading === null) return null;
  const delayMs = appendedMs - Number(instantToMicros(tick.reading)) / 1_000;
  return delayMs > 0 ? Math.max(0, delayMs - tick.sentInMs) : delayMs;
}

/** How far a tick's marks lie ahead of its own reading, in milliseconds: the clock has stepped back since. */
export function steppedBackMs({ reading, marks }: Tick): number {
  if (reading === null || marks.length === 0) return 0;
  const aheadMs = marks.map(({ time }) => Number(instantToMicros(time) - instantToMicros(reading)) / 1_000);
  return Math.max(0, ...aheadMs);
}
