import { type Instant, instantToMicros } from '@slipstream/kernel';
import type { Store } from './ports.ts';

const slipsMax = 1_000;
/** Two readings of the database's clock this far apart must agree about the time in between. */
const apartMs = 5_000;
const driftMsMax = 500;

/** A reading of the database's clock, and the monotonic time just before it. */
export interface ClockReading {
  readonly at: Instant;
  readonly monotonicMs: number;
}

export interface LapseParts {
  readonly store: Store;
  readonly monotonicMs: () => number;
  /** Why the clocks cannot be trusted now; null: they can. */
  readonly clockTrouble: () => string | null;
}

/** What was read last; one for each worker. */
export interface Lapse {
  reading: ClockReading | null;
}

/**
 * Takes slips whose deadline has passed off the list of what is due. Never on one reading of a clock that may have jumped:
 * only what had passed at an earlier reading that a later one agrees with, while the clocks lie close together.
 * @returns how many there were
 */
export async function giveUpLapsed(parts: LapseParts, lapse: Lapse): Promise<number> {
  const { store, monotonicMs } = parts;
  if (parts.clockTrouble() !== null) {
    lapse.reading = null;
    return 0;
  }
  const before = lapse.reading;
  const nowMs = monotonicMs();
  if (before !== null && nowMs - before.monotonicMs < apartMs) return 0;
  const reading = { at: await store.run((tx) => tx.now()), monotonicMs: nowMs };
  lapse.reading = reading;
  if (before === null || !agree(before, reading)) return 0;
  return store.run((tx) => tx.dispatches.giveUp(before.at, slipsMax));
}

function agree(before: ClockReading, after: ClockReading): boolean {
  const passedMs = Number(instantToMicros(after.at) - instantToMicros(before.at)) / 1_000;
  return Math.abs(passedMs - (after.monotonicMs - before.monotonicMs)) <= driftMsMax;
}
