import { sources, type Tick, topics } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import type { UpstreamMark } from '../../domain/watermark/bounds.ts';

/** The watermarks of other services, as libs/kafka's TickReader keeps them. */
export interface Ticks {
  latest(source: string, clock: string): Tick | undefined;
  clocks(): readonly string[];
}

/** Intake's latest watermarks: this service follows the slips that intake accepts, and is never ahead of it. */
function upstreamTicks(ticks: Ticks): readonly Tick[] {
  return ticks.clocks().flatMap((clock) => {
    const tick = ticks.latest(sources.intake, clock);
    return tick && tick.marks.length > 0 ? [tick] : [];
  });
}

/**
 * Those that speak for every partition: a report names no partition, and its slip may come on the one that is missing.
 */
export function wholeUpstreamTicks(ticks: Ticks): readonly Tick[] {
  return upstreamTicks(ticks).filter(({ marks }) => marks.length === topics.events.partitions);
}

/** The same by clock, each as one time for each partition. */
export function upstreamMarks(ticks: Ticks): ReadonlyMap<string, UpstreamMark> {
  return new Map(
    upstreamTicks(ticks).map((tick) => [tick.clock, { times: timesOf(tick), closed: tick.closed }]),
  );
}

function timesOf(tick: Tick): ReadonlyMap<number, Instant> {
  return new Map(tick.marks.map(({ partition, time }) => [partition, time]));
}
