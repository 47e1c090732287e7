const INITIAL_MS = 200;
const MAX_MS = 5_000;
const HEALTHY_MS = 10_000;

/** The waits between restarts of one process: doubled from 0.2 s to 5 s, from the start again after 10 s of health. */
export class RestartBackoff {
  private nextMs = INITIAL_MS;

  /** @param healthyForMs how long the process that just ended had been ready */
  delayMs(healthyForMs: number): number {
    if (healthyForMs >= HEALTHY_MS) this.nextMs = INITIAL_MS;
    const delayMs = this.nextMs;
    this.nextMs = Math.min(delayMs * 2, MAX_MS);
    return delayMs;
  }
}
