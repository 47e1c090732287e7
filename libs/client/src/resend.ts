import { setTimeout as sleep } from 'node:timers/promises';
import { SendFailed } from '@slipstream/kafka';
import { backoffMs } from '@slipstream/kernel';

const attemptsMax = 5;
const retryLimits = { minMs: 500, maxMs: 2_000 };

/** Repeats a failed send: the commands keep their ids, so a repeat of what did arrive is recognised and dropped. */
export async function resend<T>(send: () => Promise<T>, limits = retryLimits): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof SendFailed) || !error.retryable || attempt >= attemptsMax) throw error;
      await sleep(backoffMs(attempt, limits, Math.random()));
    }
  }
}
