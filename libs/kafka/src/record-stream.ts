import { randomUUID } from 'node:crypto';
import type { Admin, Consumer, EachBatchPayload } from 'kafkajs';
import { whileBrokersAreAway } from './brokers-away.ts';
import { type KafkaClient, retryOptions } from './client.ts';
import { KeepRunning } from './keep-running.ts';
import { describeError, jsonLog, type Log } from './log.ts';
import { readLogBounds } from './log-bounds.ts';
import { headersProblem } from './record-headers.ts';
import { asReadRefused } from './refusals.ts';
import { retryDelayMs } from './retry-delay.ts';
import { StreamBroken, StreamPlaces, storedOffsetProblem } from './stream-places.ts';
import { withTimeout } from './with-timeout.ts';

/** A record of a {@link RecordStream}. */
export interface StreamRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Why nobody is to read it (more headers than are taken); null for any other. */
  readonly problem: string | null;
}

/** The next offset by partition, or the first record that was appended at that time or later. */
export type StartAt = { readonly offsets: ReadonlyMap<number, number> } | { readonly timeMs: number };

export interface RecordStreamOptions {
  readonly kafka: KafkaClient;
  readonly topic: string;
  /** Shares the topic with the group's other members and goes on where they stopped; without it, a group of its own. */
  readonly group?: string | undefined;
  /** Where a group without a stored offset begins: at the log's start, or with what comes from now on. */
  readonly fromBeginning: boolean;
  /** Where a stream without a group begins instead, in the partitions that are named. */
  readonly startAt?: StartAt | undefined;
  /** Records of one partition, in order. Repeated with growing waits until it resolves; a `StreamBroken` ends the stream. */
  readonly onBatch: (records: readonly StreamRecord[]) => Promise<void>;
  /** Partitions were assigned anew: others may have read them meanwhile. */
  readonly onAssigned?: () => void;
  readonly onFatal: (error: Error) => void;
  /** Ends the wait for brokers in `start`, whose promise is rejected then. */
  readonly isStopping?: () => boolean;
  readonly log?: Log;
  readonly maxWaitMs?: number;
}

const stopTimeoutMs = 10_000;
/** Below kafkajs' session timeout of 30 s. */
const beatMs = 2_000;
/** Whoever takes longer for a batch may hang: others get its partition (`max.poll.interval.ms` of Kafka's own client). */
const handlingMsMax = 300_000;

/** An at-least-once stream whose place is kept by Kafka: for clients without a database of their own. */
export class RecordStream {
  readonly #options: RecordStreamOptions;
  readonly #group: string;
  readonly #log: Log;
  readonly #consumer: Consumer;
  readonly #running: KeepRunning;
  readonly #admin: Admin;
  readonly #places = new StreamPlaces();
  #joined: Promise<void> = Promise.resolve();
  #inHand: Promise<void> = Promise.resolve();
  #isBroken = false;
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
      retry: { ...retryOptions, restartOnFailure: async () => !this.#isStopping() },
    });
    this.#running = new KeepRunning({
      ...{ consumer: this.#consumer, group: this.#group, log: this.#log },
      onFatal: (error) => options.onFatal(asReadRefused(error) as Error),
      isStopping: () => this.#isStopping(),
      config: {
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: (payload) => this.#eachBatch(payload),
      },
    });
  }

  /**
   * Waits for brokers.
   * @throws StreamBroken when the log no longer has, or has not yet, an offset that the group stored; ReadRefused
   */
  async start(): Promise<void> {
    const { topic, onAssigned } = this.#options;
    const { events } = this.#consumer;
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => {
      onAssigned?.();
      if (!this.#options.group) this.#goOn(payload.memberAssignment[topic] ?? []);
      this.#joined = this.#readPlaces();
    });
    this.#consumer.on(events.START_BATCH_PROCESS, ({ payload }) => {
      // Nothing but control records or aborted transactions: kafkajs hands them to nobody.
      if (payload.batchSize === 0) this.#places.passed(payload.partition, Number(payload.lastOffset) + 1);
    });
    const waiting = { log: this.#log, isStopping: () => this.#isStopping() };
    try {
      await whileBrokersAreAway(`reading ${topic}`, () => this.#connect(), waiting);
      await this.#running.run();
    } catch (error) {
      throw asReadRefused(error);
    }
  }

  async #connect(): Promise<void> {
    const { topic, fromBeginning } = this.#options;
    await this.#admin.connect();
    await this.#checkPlaces();
    await this.#readStart();
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [topic], fromBeginning });
  }

  #isStopping(): boolean {
    return this.#stopping || (this.#options.isStopping?.() ?? false);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake();
    // The receiver's own work has no limit of ours: cut off, its place would not be kept.
    await this.#inHand;
    await withTimeout(this.#running.stop(), stopTimeoutMs, 'joining').catch(() => {});
    await withTimeout(this.#consumer.disconnect(), stopTimeoutMs, 'disconnecting').catch(() => {});
    if (!this.#options.group) {
      await withTimeout(this.#admin.deleteGroups([this.#group]), stopTimeoutMs, 'deleting').catch(() => {});
    }
    await withTimeout(this.#admin.disconnect(), stopTimeoutMs, 'disconnecting').catch(() => {});
  }

  /** What the group stored, seen before kafkajs can reset it. */
  async #checkPlaces(): Promise<void> {
    if (!this.#options.group) return;
    const bounds = await readLogBounds(this.#admin, this.#options.topic);
    for (const [partition, offset] of await this.#committed()) {
      const problem = storedOffsetProblem(partition, offset, bounds.get(partition));
      if (problem !== null) throw new StreamBroken(problem);
    }
  }

  /** Where the stream was told to begin is where its places begin. */
  async #readStart(): Promise<void> {
    const { topic, startAt } = this.#options;
    if (startAt === undefined) return;
    const bounds = await readLogBounds(this.#admin, topic);
    for (const [partition, offset] of await this.#offsetsOf(startAt)) {
      if (!bounds.has(partition)) throw new StreamBroken(`${topic} has no partition ${partition}`);
      const problem = storedOffsetProblem(partition, offset, bounds.get(partition), 'the stream is to begin');
      if (problem !== null) throw new StreamBroken(problem);
      this.#places.passed(partition, offset);
    }
  }

  async #offsetsOf(startAt: StartAt): Promise<ReadonlyMap<number, number>> {
    if ('offsets' in startAt) return startAt.offsets;
    const found = await this.#admin.fetchTopicOffsetsByTimestamp(this.#options.topic, startAt.timeMs);
    return new Map(found.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  /** A group of its own has nothing stored: said inside kafkajs' join, before it asks for the first record. */
  #goOn(partitions: readonly number[]): void {
    const { topic } = this.#options;
    for (const partition of partitions) {
      const next = this.#places.next(partition);
      if (next !== undefined) this.#consumer.seek({ topic, partition, offset: String(next) });
    }
  }

  async #readPlaces(): Promise<void> {
    // A group of its own stores nothing, and nobody else reads for it: it goes on where it was.
    if (!this.#options.group) return;
    try {
      this.#places.join(await this.#committed());
    } catch (error) {
      // Within one assignment the records still have to follow each other.
      this.#places.join(new Map());
      this.#log.warn('the offsets of the group could not be read', {
        group: this.#group,
        ...describeError(error),
      });
    }
  }

  async #committed(): Promise<Map<number, number>> {
    const { topic } = this.#options;
    const [offsets] = await this.#admin.fetchOffsets({ groupId: this.#group, topics: [topic] });
    return new Map(offsets!.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  /** Delivers nothing more: whoever goes on must know that records are missing. */
  #break(error: StreamBroken): void {
    this.#isBroken = true;
    this.#consumer.pause([{ topic: this.#options.topic }]);
    this.#options.onFatal(error);
  }

  /** Never throws (K2). */
  #eachBatch(payload: EachBatchPayload): Promise<void> {
    this.#inHand = this.#take(payload);
    return this.#inHand;
  }

  async #take({ batch, resolveOffset, heartbeat, isStale }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch;
    await this.#joined;
    if (this.#isBroken) return;
    const records = batch.messages.map(({ offset, timestamp, key, value, headers }) => ({
      partition,
      offset: Number(offset),
      timestampMs: Number(timestamp),
      key,
      value,
      problem: headersProblem(headers),
    }));
    const fetchedOffset = Number((batch as unknown as { fetchedOffset: string }).fetchedOffset);
    for (let failures = 0; !this.#stopping && !isStale(); ) {
      try {
        this.#places.check({ partition, fetchedOffset, highWatermark: Number(batch.highWatermark) });
        await this.#deliver(records, heartbeat);
        const last = batch.messages.at(-1)!.offset;
        resolveOffset(last);
        this.#places.passed(partition, Number(last) + 1);
        await this.#commit(partition, String(Number(last) + 1));
        return;
      } catch (error) {
        if (error instanceof StreamBroken) return this.#break(error);
        failures++;
        this.#log.warn('a batch failed and is repeated', {
          topic,
          partition,
          failures,
          ...describeError(error),
        });
      }
      if (!(await this.#pause(retryDelayMs(failures), heartbeat))) return;
    }
  }

  /** Stays a member of the group meanwhile: kafkajs says so between batches alone. */
  async #deliver(records: readonly StreamRecord[], heartbeat: () => Promise<void>): Promise<void> {
    let beats = handlingMsMax / beatMs;
    const beating = setInterval(() => {
      if (beats-- > 0) return void heartbeat().catch(() => {});
      clearInterval(beating);
      const { partition, offset } = records[0]!;
      this.#log.warn('a batch has not ended, and others may take its partition', {
        ...{ topic: this.#options.topic, partition, offset, afterMs: handlingMsMax },
      });
    }, beatMs);
    try {
      await this.#options.onBatch(records);
    } finally {
      clearInterval(beating);
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
