import type { Instant } from '@slipstream/kernel';
import { isLive } from '@slipstream/slip';
import { type Heard, toBlame } from '../domain/deadline/blame.ts';
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
  /** What is heard of the services that verdicts wait for, upstream first. */
  services(): readonly Heard[];
  /** The database's clock and the number of slips without a verdict. */
  look(): Promise<{ readonly now: Instant; readonly openSlips: number }>;
  /** What this instance has said last of its blindness and not taken back, or one that has ended and that it speaks for. */
  said(): Promise<Blinded | null>;
  /** It lasts for longer than the rules allow: one incident that lists what waits, however often it is said. */
  keepIncident(blinded: Blinded, now: Instant): Promise<void>;
  /** Says it, with the slips and the money that wait; null: it sees again. */
  say(blinded: Blinded | null): Promise<void>;
  log(message: string): void;
}

/** A blindness: who is to blame, why, and since when. */
export interface Blinded {
  readonly by: string;
  readonly why: string;
  readonly since: Instant;
}

/** After so many checks it is asked again whether somebody ended without taking back what he said. */
const checksPerLook = 5;

/** So long without sight is told, and sooner where the rules say so: a source that lives speaks twice within it. */
const tellAfterMs = 10_000;

/** What the detector knows about its own sight. */
export interface Sight {
  readonly blind: boolean;
  /** Why it is blind; null when it sees. */
  readonly why: string | null;
  /** What was due later is not judged; null when it sees. */
  readonly since: Instant | null;
  /** The service to blame; null when it sees. */
  readonly by: string | null;
  readonly lagMs: number;
  readonly openSlips: number;
}

/**
 * A lagging or dead service never makes a false alarm (rule 6), so it must make an alarm about the detector itself: slips
 * cannot be judged meanwhile. Gives the check to be run again and again.
 */
export function createBlindnessWatch(parts: BlindnessParts): { check(): Promise<void>; sight(): Sight } {
  const { marks, owned, lookout, clocks, heard, look, log } = parts;
  // Told soon, and an incident when it lasts.
  const blindMsMax = Math.min(parts.blindMsMax, tellAfterMs);
  let sight: Sight = { blind: false, why: null, since: null, by: null, lagMs: 0, openSlips: 0 };
  let said: Blinded | null | undefined;
  let checks = 0;
  let started: Instant | null = null;
  let since: ReadonlyMap<number, Instant> = new Map();

  return {
    sight: () => sight,
    async check() {
      const { now, openSlips } = await look();
      started ??= now;
      const seen = await through(now, started);
      const lag = lagMs(seen, now);
      const tooLate = lag > blindMsMax ? `it sees no further than ${lag} ms ago` : null;
      const why = clocks().trouble ?? tooLate;
      const blind = why !== null;
      const blamed = clocks().toBlame ?? toBlame(parts.services(), now, blindMsMax);
      const by = blind ? blamed : null;
      if (blind && !sight.blind) log(`detector blind because of ${by}: ${why}, ${openSlips} open slips`);
      if (!blind && sight.blind) log(`detector sees again: ${openSlips} open slips`);
      sight = { blind, why, since: blind ? (sight.since ?? seen) : null, by, lagMs: lag, openSlips };
      await tell();
      if (blind && said && lagMs(said.since, now) > parts.blindMsMax) await parts.keepIncident(said, now);
    },
  };

  /** Once for each blindness, and only while somebody waits: there is no alarm for a slip. */
  async function tell(): Promise<void> {
    if (said === undefined || (said === null && checks % checksPerLook === 0)) said = await parts.said();
    checks += 1;
    const { why, since, by, openSlips } = sight;
    const isBlind = why !== null && since !== null && by !== null;
    if (said !== null ? isBlind : !isBlind || openSlips === 0) return;
    const next = isBlind ? { by, why, since } : null;
    await parts.say(next);
    said = next;
  }

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
