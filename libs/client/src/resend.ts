import { setTimeout as sleep } from 'node:timers/promises';
import { SendFailed } from '@slipstream/kafka';
import { backoffMs } from '@slipstream/kernel';

const retryLimits = { minMs: 500, maxMs: 2_000 };
/** So much before its time a timer may run out. */
const timersEarlyMs = 5;

export interface ResendOptions {
  /** By the clock of `performance.now`: the time began to run then. */
  readonly sinceMs: number;
  readonly timeoutMs: number;
  readonly limits?: { readonly minMs: number; readonly maxMs: number } | undefined;
}

/**
 * Repeats a failed send as long as its time allows: the commands keep their ids, so a repeat of what did arrive is
 * recognised and dropped. `send` is told until when it may take, by the clock of `performance.now`.
 */
export async function resend<T>(
  send: (untilMs: number) => Promise<T>,
  { sinceMs, timeoutMs, limits = retryLimits }: ResendOptions,
): Promise<T> {
  const untilMs = sinceMs + timeoutMs;
  let told: SendFailed | null = null;
  for (let attempt = 1; ; attempt++) {
    try {
      return await send(untilMs);
    } catch (error) {
      if (!(error instanceof SendFailed) || !error.retryable) throw error;
      // One that the time limit cut off knows no cause; the one before it may.
      if (told === null || performance.now() < untilMs - timersEarlyMs) told = error;
      const waitMs = backoffMs(attempt, limits, Math.random());
      if (performance.now() + waitMs >= untilMs) {
        const why = `not acknowledged within ${timeoutMs} ms: ${told.message}`;
        throw new SendFailed(why, true, { cause: told, acknowledged: error.acknowledged });
      }
      await sleep(waitMs);
    }
  }
}
