import { randomUUID } from 'node:crypto';
import { type Tick, topics } from '@slipstream/contracts';
import { SlipstreamError } from '@slipstream/kernel';
import type { Admin, Consumer, EachBatchPayload } from 'kafkajs';
import { whileBrokersAreAway } from './brokers-away.ts';
import { type KafkaClient, retryOptions } from './client.ts';
import { KeepRunning } from './keep-running.ts';
import { describeError, jsonLog, type Log } from './log.ts';
import { readLogBounds } from './log-bounds.ts';
import { LongPolls } from './long-polls.ts';
import { headersProblem } from './record-headers.ts';
import { type SourceClock, TickBook } from './tick-book.ts';
import { withTimeout } from './with-timeout.ts';

export interface TickReaderOptions {
  readonly kafka: KafkaClient;
  /** Names the throw-away group: `<name>-ticks-<uuid>`. */
  readonly name: string;
  readonly onFatal: (error: Error) => void;
  /** A record was no tick of ours, or a listener failed on it. */
  readonly onSkipped?: () => void;
  readonly log?: Log;
  readonly topic?: string;
  readonly maxWaitMs?: number;
  /** Longest wait for the marks that lie in the topic at start. */
  readonly startTimeoutMs?: number;
}

const stopTimeoutMs = 5_000;
const sayMs = 10_000;

/** Keeps the latest watermark of every source and clock (rule 6) in memory; reads the whole topic, stores nothing. */
export class TickReader {
  readonly #options: TickReaderOptions;
  readonly #topic: string;
  readonly #log: Log;
  readonly #group: string;
  readonly #consumer: Consumer;
  readonly #polls: LongPolls;
  readonly #running: KeepRunning;
  readonly #admin: Admin;
  readonly #book = new TickBook();
  readonly #listeners = new Set<(tick: Tick) => void>();
  /** Per partition the offset that must be passed before `start` resolves. */
  readonly #awaited = new Map<number, number>();
  #joined: () => void = () => {};
  #caughtUp: () => void = () => {};
  #stopping = false;
  #skipped = 0;
  #sayAtMs = 0;

  constructor(options: TickReaderOptions) {
    this.#options = options;
    this.#topic = options.topic ?? topics.watermarks.name;
    this.#log = options.log ?? jsonLog;
    this.#group = `${options.name}-ticks-${randomUUID()}`;
    this.#admin = options.kafka.admin({ retry: retryOptions });
    const waitMs = options.maxWaitMs ?? 5_000;
    // It is alone in its group and pauses nothing: no fetch has to end for anything but a tick.
    this.#polls = new LongPolls({ shortMs: waitMs, quietMs: waitMs, pauseMs: () => 0 });
    this.#consumer = options.kafka.consumer({
      groupId: this.#group,
      partitionAssigners: [this.#polls.assigner],
      maxWaitTimeInMs: waitMs,
      allowAutoTopicCreation: false,
      retry: { ...retryOptions, restartOnFailure: async () => !this.#stopping },
    });
    this.#running = new KeepRunning({
      ...{ consumer: this.#consumer, group: this.#group, log: this.#log, onFatal: options.onFatal },
      isStopping: () => this.#stopping,
      config: { autoCommit: false, eachBatch: (payload) => this.#eachBatch(payload) },
    });
  }

  /** Resolves when everything that lay in the topic has been read. @throws Error when that takes too long */
  async start(): Promise<void> {
    const { events } = this.#consumer;
    // Batches of nothing but removed records count, too.
    this.#consumer.on(events.END_BATCH_PROCESS, ({ payload }) => {
      this.#passed(payload.partition, Number(payload.lastOffset) + 1);
    });
    const caughtUp = new Promise<void>((resolve) => {
      this.#caughtUp = resolve;
    });
    const options = { log: this.#log, isStopping: () => this.#stopping };
    await whileBrokersAreAway(`reading ${this.#topic}`, () => this.#connect(), options);
    if (this.#awaited.size === 0) this.#caughtUp();
    const joined = new Promise<void>((resolve) => {
      this.#joined = resolve;
    });
    this.#consumer.on(events.GROUP_JOIN, () => this.#joined());
    await this.#running.run();
    // However long the coordinator takes to come up: only reading has its limit.
    await joined;
    await withTimeout(caughtUp, this.#options.startTimeoutMs ?? 30_000, `reading ${this.#topic}`);
  }

  async #connect(): Promise<void> {
    await this.#admin.connect();
    this.#awaited.clear();
    for (const [partition, { start, end }] of await readLogBounds(this.#admin, this.#topic)) {
      if (end > start) this.#awaited.set(partition, end);
    }
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [this.#topic], fromBeginning: true });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#joined();
    this.#caughtUp();
    await withTimeout(this.#running.stop(), stopTimeoutMs, 'joining').catch(() => {});
    const disconnected = this.#polls.giveUpUntil(this.#consumer.disconnect());
    await withTimeout(disconnected, stopTimeoutMs, 'disconnecting').catch(() => {});
    await withTimeout(this.#admin.deleteGroups([this.#group]), stopTimeoutMs, 'deleting').catch(() => {});
    await withTimeout(this.#admin.disconnect(), stopTimeoutMs, 'disconnecting').catch(() => {});
  }

  latest(source: string, clock: string): Tick | undefined {
    return this.#book.latest(source, clock);
  }

  clocks(): string[] {
    return this.#book.clocks();
  }

  /** Milliseconds since the source last spoke of this clock; Infinity when it never did. */
  ageMs(source: string, clock: string): number {
    return this.#book.ageMs(source, clock);
  }

  /** How far the clock of the source's database is off; null or 0 where its ticks don't say. */
  sourceClock(source: string, clock: string): SourceClock {
    return this.#book.sourceClock(source, clock);
  }

  /** Calls back with each new tick, merged with what was known. Gives the function that ends it. */
  onTick(listener: (tick: Tick) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Never throws: an error here would end the consumer for good (K2). */
  async #eachBatch({ batch }: EachBatchPayload): Promise<void> {
    for (const { key, value, timestamp, offset, headers } of batch.messages) {
      try {
        const problem = headersProblem(headers);
        if (problem !== null) throw new SlipstreamError('undecodable_record', problem);
        const at = { appendedMs: Number(timestamp), nowMs: Date.now() };
        const tick = this.#book.apply(key?.toString() ?? '', value, at);
        if (tick) for (const listener of this.#listeners) listener(tick);
      } catch (error) {
        this.#skip(offset, error);
      }
    }
  }

  /** Ignored and counted; said once in a while, whatever floods the topic. */
  #skip(offset: string, error: unknown): void {
    this.#skipped += 1;
    this.#options.onSkipped?.();
    if (performance.now() < this.#sayAtMs) return;
    this.#sayAtMs = performance.now() + sayMs;
    const fields = { topic: this.#topic, offset, skipped: this.#skipped, ...describeError(error) };
    this.#log.error('a tick was skipped', fields);
  }

  #passed(partition: number, nextOffset: number): void {
    const awaited = this.#awaited.get(partition);
    if (awaited === undefined || nextOffset < awaited) return;
    this.#awaited.delete(partition);
    if (this.#awaited.size === 0) this.#caughtUp();
  }
}
