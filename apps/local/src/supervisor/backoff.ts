import { doublingMs } from '@slipstream/kernel';

const LIMITS = { minMs: 200, maxMs: 5_000 };
const HEALTHY_MS = 10_000;

/** The waits between restarts of one process: doubled from 0.2 s to 5 s, from the start again after 10 s of health. */
export class RestartBackoff {
  private ends = 0;

  /** @param healthyForMs how long the process that just ended had been ready */
  delayMs(healthyForMs: number): number {
    this.ends = healthyForMs >= HEALTHY_MS ? 1 : this.ends + 1;
    return doublingMs(this.ends, LIMITS);
  }
}
