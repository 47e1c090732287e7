import { setTimeout as sleep } from 'node:timers/promises';
import { explain } from './explain.ts';
import { describeError, jsonLog, type Log } from './log.ts';
import { retryDelayMs } from './retry-delay.ts';

/** What kafkajs throws when brokers or the coordinator of a group cannot be reached, or are not up yet. */
const names: ReadonlySet<string> = new Set([
  'KafkaJSBrokerNotFound',
  'KafkaJSConnectionClosedError',
  'KafkaJSConnectionError',
  // Said to be final by kafkajs (after about 10 s), though a fresh broker makes its coordinator a moment later.
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSLockTimeout',
  'KafkaJSNumberOfRetriesExceeded',
  'KafkaJSRequestTimeoutError',
  'KafkaJSTimeout',
]);

/** Whether the same again may go well, when the brokers are there. */
export function isBrokersAway(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (names.has(cause.name) || (cause as { retriable?: unknown }).retriable === true) return true;
  }
  return false;
}

export interface AwayOptions {
  readonly log?: Log;
  /** Asked before each try after the first: a stop must not wait for brokers. */
  readonly isStopping?: () => boolean;
  readonly delayMs?: (failures: number) => number;
}

/** Lines of the log about one wait: the first, then each time so many tries have failed. */
const triesPerLine = 10;

/** Tries until brokers are there; gives what `work` gives. @throws its error when that is another, or when stopping */
export async function whileBrokersAreAway<T>(
  what: string,
  work: () => Promise<T>,
  { log = jsonLog, isStopping = () => false, delayMs = retryDelayMs }: AwayOptions = {},
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (!isBrokersAway(error) || isStopping()) throw error;
      if (failures % triesPerLine === 1) {
        const { errorClass, detail } = describeError(error);
        log.warn('waiting for brokers', { what, failures, errorClass, detail: explain(detail) });
      }
      await sleep(delayMs(failures));
      if (isStopping()) throw error;
    }
  }
}
