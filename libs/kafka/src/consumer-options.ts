import type { ConsumerConfig } from 'kafkajs';
import type { FetchWaits } from './long-polls.ts';

export interface ConsumerOptions {
  /** Longest wait of a fetch for its first byte while records come; also how late a resumed partition is asked for. */
  readonly maxWaitMs: number;
  /** Partitions handled at once; each takes a database connection. */
  readonly partitionsConcurrent: number;
  /** A member silent this long loses its partitions. */
  readonly sessionTimeoutMs: number;
  /** Limits of one fetch, in bytes; with the database's part they keep a service below 200 MiB. */
  readonly partitionBytesMax: number;
  readonly fetchBytesMax: number;
  /** Records of one transaction. */
  readonly batchRecordsMax: number;
  /** Records of one transaction of a handler of units, over all partitions; and how much may wait for it, in bytes. */
  readonly unitRecordsMax: number;
  readonly waitingBytesMax: number;
  /** Tries of a record that fails for an unknown reason, before it becomes a dead letter; and the wait between them. */
  readonly attemptsMax: number;
  readonly attemptDelayMs: number;
  /** How often Kafka's group offsets follow the store's. */
  readonly groupOffsetsMs: number;
  readonly watchdogIntervalMs: number;
  /** How often a stopped partition looks whether people let it go on. */
  readonly decisionPollMs: number;
  /** Standing still this long with records waiting ends the process. */
  readonly stallMs: number;
  /** Longest wait for running batches when draining. */
  readonly drainTimeoutMs: number;
}

/** How much is fetched at once, and may wait: an answer is kept whole until the last of its records is handled. */
export type FetchLimits = Pick<ConsumerOptions, 'partitionBytesMax' | 'fetchBytesMax' | 'waitingBytesMax'>;

export const consumerDefaults: ConsumerOptions = {
  maxWaitMs: 1_000,
  partitionsConcurrent: 4,
  sessionTimeoutMs: 10_000,
  partitionBytesMax: 512 * 1024,
  fetchBytesMax: 4 * 1024 * 1024,
  batchRecordsMax: 2_000,
  unitRecordsMax: 20_000,
  waitingBytesMax: 8 * 1024 * 1024,
  attemptsMax: 3,
  attemptDelayMs: 100,
  groupOffsetsMs: 5_000,
  watchdogIntervalMs: 10_000,
  decisionPollMs: 5_000,
  stallMs: 30_000,
  drainTimeoutMs: 15_000,
};

/** Longest wait while nothing comes. kafkajs beats between two fetches: three beats fit into a session. */
const quietWaitMs = 5_000;

/** `pauseMs`: as long as a unit waits for more: what would be fetched earlier would lie here. */
export function fetchWaits(
  { maxWaitMs, sessionTimeoutMs }: ConsumerOptions,
  pauseMs: () => number,
): FetchWaits {
  const quietMs = Math.max(maxWaitMs, Math.min(quietWaitMs, Math.floor(sessionTimeoutMs / 3)));
  return { shortMs: maxWaitMs, quietMs, pauseMs };
}

/** The same, in kafkajs' words. */
export function fetchConfig(options: ConsumerOptions): Omit<ConsumerConfig, 'groupId'> {
  return {
    sessionTimeout: options.sessionTimeoutMs,
    heartbeatInterval: Math.min(1_000, options.sessionTimeoutMs / 4),
    rebalanceTimeout: Math.max(30_000, options.sessionTimeoutMs),
    maxWaitTimeInMs: options.maxWaitMs,
    minBytes: 1,
    maxBytesPerPartition: options.partitionBytesMax,
    maxBytes: options.fetchBytesMax,
    allowAutoTopicCreation: false,
  };
}
