import type { Instant } from '@slipstream/kernel';
import { blindAfterMs, lagMs } from '../domain/deadline/blindness.ts';

export interface BlindnessParts {
  /** The gateway's watermark on the wall clock, the least of its partitions; null while none was heard. */
  heard(): Instant | null;
  /** The database's clock and the number of slips without a verdict. */
  look(): Promise<{ readonly now: Instant; readonly openSlips: number }>;
  log(message: string): void;
}

/** What the detector knows about its own sight. */
export interface Sight {
  readonly blind: boolean;
  readonly lagMs: number;
  readonly openSlips: number;
}

/**
 * A lagging or dead gateway never makes a false alarm (rule 6), so it must make an alarm about the detector itself: no
 * slip can be judged meanwhile. Gives the check to be run again and again.
 */
export function createBlindnessWatch({ heard, look, log }: BlindnessParts): {
  check(): Promise<void>;
  sight(): Sight;
} {
  let sight: Sight = { blind: false, lagMs: 0, openSlips: 0 };
  let since: Instant | null = null;
  return {
    sight: () => sight,
    async check() {
      const { now, openSlips } = await look();
      // A gateway that was never heard counts from the first look.
      since ??= now;
      const lag = lagMs(heard() ?? since, now);
      const blind = lag > blindAfterMs;
      if (blind && !sight.blind) {
        log(
          `detector blind: the gateway’s watermark is ${lag} ms old, ${openSlips} open slips cannot be judged`,
        );
      }
      if (!blind && sight.blind) log(`detector sees again: ${openSlips} open slips`);
      sight = { blind, lagMs: lag, openSlips };
    },
  };
}
