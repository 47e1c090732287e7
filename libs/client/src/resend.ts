import { setTimeout as sleep } from 'node:timers/promises';
import { SendFailed } from '@slipstream/kafka';

const attemptsMax = 5;
const retryDelayMs = 500;

/** Repeats a failed send: the commands keep their ids, so a repeat of what did arrive is recognised and dropped. */
export async function resend<T>(send: () => Promise<T>, delayMs = retryDelayMs): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof SendFailed) || !error.retryable || attempt >= attemptsMax) throw error;
      await sleep(delayMs * attempt);
    }
  }
}
