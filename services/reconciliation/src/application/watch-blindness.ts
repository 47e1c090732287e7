import type { Instant } from '@slipstream/kernel';
import { isLive } from '@slipstream/slip';
import { lagMs, seenThrough } from '../domain/deadline/blindness.ts';
import { asClocksAllow, type ClockState, judgeable } from '../domain/deadline/judgeable.ts';
import type { Marks } from '../domain/deadline/marks.ts';
import type { Lookout, OwnedPartitions } from './ports.ts';

export interface BlindnessParts {
  readonly marks: Marks;
  readonly owned: OwnedPartitions;
  readonly lookout: Lookout;
  clocks(): ClockState;
  /** A detector that could not judge for longer says so: its silence would look like "nothing is overdue". */
  readonly blindMsMax: number;
  /** The gateway's watermark on the wall clock, the least of its partitions; null while none was heard. */
  heard(): Instant | null;
  /** The database's clock and the number of slips without a verdict. */
  look(): Promise<{ readonly now: Instant; readonly openSlips: number }>;
  log(message: string): void;
}

/** What the detector knows about its own sight. */
export interface Sight {
  readonly blind: boolean;
  /** Why it is blind; null when it sees. */
  readonly why: string | null;
  readonly lagMs: number;
  readonly openSlips: number;
}

/**
 * A lagging or dead service never makes a false alarm (rule 6), so it must make an alarm about the detector itself: slips
 * cannot be judged meanwhile. Gives the check to be run again and again.
 */
export function createBlindnessWatch(parts: BlindnessParts): { check(): Promise<void>; sight(): Sight } {
  const { marks, owned, lookout, clocks, blindMsMax, heard, look, log } = parts;
  let sight: Sight = { blind: false, why: null, lagMs: 0, openSlips: 0 };
  let started: Instant | null = null;
  let since: ReadonlyMap<number, Instant> = new Map();

  return {
    sight: () => sight,
    async check() {
      const { now, openSlips } = await look();
      started ??= now;
      const lag = lagMs(await through(now, started), now);
      const tooLate = lag > blindMsMax ? `it sees no further than ${lag} ms ago` : null;
      const why = clocks().trouble ?? tooLate;
      const blind = why !== null;
      if (blind && !sight.blind) log(`detector blind: ${why}, ${openSlips} open slips`);
      if (!blind && sight.blind) log(`detector sees again: ${openSlips} open slips`);
      sight = { blind, why, lagMs: lag, openSlips };
    },
  };

  /** Up to when live deadlines can be judged on all partitions owned. */
  async function through(now: Instant, started: Instant): Promise<Instant> {
    const nextOffsets = owned.nextOffsets();
    // Nothing is judged here, and perhaps because Kafka is away: then the gateway is not heard either.
    if (nextOffsets.size === 0) return heard() ?? started;
    since = new Map([...nextOffsets.keys()].map((partition) => [partition, since.get(partition) ?? now]));
    const live = judgeable(marks, nextOffsets).filter(({ clock }) => isLive(clock));
    const ranges = asClocksAllow(live, clocks());
    return seenThrough(ranges, new Set(await lookout.withSlipsAwaitingHold(ranges)), since);
  }
}
