import { randomUUID } from 'node:crypto';
import type { Admin, Consumer, EachBatchPayload } from 'kafkajs';
import { backoffMs } from './backoff.ts';
import { type KafkaClient, retryOptions } from './client.ts';
import { describeError, jsonLog, type Log } from './log.ts';
import { withTimeout } from './with-timeout.ts';

/** A record of a {@link RecordStream}. */
export interface StreamRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export interface RecordStreamOptions {
  readonly kafka: KafkaClient;
  readonly topic: string;
  /** Shares the topic with the group's other members and goes on where they stopped; without it, a group of its own. */
  readonly group?: string | undefined;
  /** Where a group without a stored offset begins: at the log's start, or with what comes from now on. */
  readonly fromBeginning: boolean;
  /** Records of one partition, in order. Repeated with growing waits until it resolves. */
  readonly onBatch: (records: readonly StreamRecord[]) => Promise<void>;
  readonly onFatal: (error: Error) => void;
  readonly log?: Log;
  readonly maxWaitMs?: number;
}

const stopTimeoutMs = 10_000;
/** Below kafkajs' session timeout of 30 s. */
const beatMs = 2_000;

/** An at-least-once stream whose place is kept by Kafka: for clients without a database of their own. */
export class RecordStream {
  readonly #options: RecordStreamOptions;
  readonly #group: string;
  readonly #log: Log;
  readonly #consumer: Consumer;
  readonly #admin: Admin;
  #stopping = false;
  #wake: () => void = () => {};

  constructor(options: RecordStreamOptions) {
    this.#options = options;
    this.#group = options.group ?? `stream-${randomUUID()}`;
    this.#log = options.log ?? jsonLog;
    this.#admin = options.kafka.admin({ retry: retryOptions });
    this.#consumer = options.kafka.consumer({
      groupId: this.#group,
      maxWaitTimeInMs: options.maxWaitMs ?? 300,
      allowAutoTopicCreation: false,
      retry: { ...retryOptions, restartOnFailure: async () => !this.#stopping },
    });
  }

  async start(): Promise<void> {
    const { topic, fromBeginning, onFatal } = this.#options;
    this.#consumer.on(this.#consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart && !this.#stopping) onFatal(payload.error);
    });
    await this.#admin.connect();
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [topic], fromBeginning });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#eachBatch(payload),
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake();
    await withTimeout(this.#consumer.disconnect(), stopTimeoutMs, 'disconnecting').catch(() => {});
    if (!this.#options.group) {
      await withTimeout(this.#admin.deleteGroups([this.#group]), stopTimeoutMs, 'deleting').catch(() => {});
    }
    await withTimeout(this.#admin.disconnect(), stopTimeoutMs, 'disconnecting').catch(() => {});
  }

  /** Never throws (K2). */
  async #eachBatch({ batch, resolveOffset, heartbeat, isStale }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch;
    const records = batch.messages.map(({ offset, timestamp, key, value }) => ({
      partition,
      offset: Number(offset),
      timestampMs: Number(timestamp),
      key,
      value,
    }));
    for (let failures = 0; !this.#stopping && !isStale(); ) {
      try {
        await this.#options.onBatch(records);
        const last = batch.messages.at(-1)!.offset;
        resolveOffset(last);
        await this.#commit(partition, String(Number(last) + 1));
        return;
      } catch (error) {
        failures++;
        this.#log.warn('a batch failed and is repeated', {
          topic,
          partition,
          failures,
          ...describeError(error),
        });
      }
      if (!(await this.#pause(backoffMs(failures), heartbeat))) return;
    }
  }

  async #commit(partition: number, offset: string): Promise<void> {
    if (!this.#options.group) return;
    const { topic } = this.#options;
    // Not committed is delivered again: allowed.
    await this.#consumer.commitOffsets([{ topic, partition, offset }]).catch(() => {});
  }

  /** Waits and stays a member; false when the membership is lost. */
  async #pause(delayMs: number, heartbeat: () => Promise<void>): Promise<boolean> {
    for (let left = delayMs; left > 0 && !this.#stopping; left -= beatMs) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, beatMs));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      const alive = await heartbeat().then(
        () => true,
        () => false,
      );
      if (!alive) return false;
    }
    return true;
  }
}
