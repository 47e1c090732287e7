import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  readonly attemptsMax: number;
  /** Doubled after each failure, up to `delayMsMax`. */
  readonly delayMs: number;
  readonly delayMsMax: number;
  readonly onError: (error: unknown) => void;
}

/** Repeats work that a passing failure (the database's) may stop. Never rejects; false when it gave up. */
export async function keepTrying(work: () => Promise<unknown>, patience: Patience): Promise<boolean> {
  let delayMs = patience.delayMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await work();
      return true;
    } catch (error) {
      patience.onError(error);
      if (attempt >= patience.attemptsMax) return false;
    }
    await sleep(delayMs);
    delayMs = Math.min(delayMs * 2, patience.delayMsMax);
  }
}
