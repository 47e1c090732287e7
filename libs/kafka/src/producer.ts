import type { Message, Producer, TopicMessages } from 'kafkajs';
import { type KafkaClient, requestTimeoutMs, retryOptions } from './client.ts';
import { explain } from './explain.ts';
import { jsonLog, type Log } from './log.ts';
import { refusals, saysOneOf } from './refusals.ts';
import { type OutRecord, type Round, rounds } from './send-rounds.ts';
import { withTimeout } from './with-timeout.ts';

export type { OutRecord } from './send-rounds.ts';

export interface SerialProducerOptions {
  readonly log?: Log;
  /** Calls waiting for their turn; one more is refused. */
  readonly queueMax?: number;
  /** Longest time for one request with all its retries; then the producer is discarded. */
  readonly sendTimeoutMs?: number;
  /** How often kafkajs itself repeats a request; fewer where the caller goes on with other partitions meanwhile. */
  readonly retries?: number;
}

/** `sendBatch` failed: some of its records may be in the log. Sending them again is safe only where resends are told apart. */
export class SendFailed extends Error {
  override readonly name = 'SendFailed';
  /** False when the same records can never be sent, or the producer is stopped. */
  readonly retryable: boolean;
  /** True when the broker takes records or batches of this size never: fewer at once may go well. */
  readonly tooLarge: boolean;
  /** The base offset of each `topic:partition` of which every record was acknowledged all the same, as far as is known. */
  readonly acknowledged: ReadonlyMap<string, bigint>;

  constructor(
    message: string,
    retryable: boolean,
    options: { cause?: unknown; acknowledged?: ReadonlyMap<string, bigint> } = {},
  ) {
    super(message, options);
    this.retryable = retryable;
    this.tooLarge = saysOneOf(options.cause, tooLarge);
    this.acknowledged = options.acknowledged ?? new Map();
  }
}

const tooLarge = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];
/** Broker answers that no repeat will change. */
const final = [...tooLarge, ...refusals, 'INVALID_TOPIC_EXCEPTION'];

/** Discarded producers and a broker that never answers must not hold up a stop. */
const disconnectTimeoutMs = 5_000;

/**
 * An idempotent producer with acks=all that has ONE request in flight: kafkajs loses acknowledged records when an
 * idempotent producer sends concurrently (K1). Concurrent callers wait in order. After an error the producer is
 * discarded, since its sequence numbers can no longer be trusted (K17), and the next call makes a new one.
 */
export class SerialProducer {
  readonly #kafka: KafkaClient;
  readonly #log: Log;
  readonly #queueMax: number;
  readonly #sendTimeoutMs: number;
  readonly #retries: number;
  #producer: Producer | null = null;
  #tail: Promise<unknown> = Promise.resolve();
  #queued = 0;
  #stopped = false;

  constructor(kafka: KafkaClient, options: SerialProducerOptions = {}) {
    this.#kafka = kafka;
    this.#log = options.log ?? jsonLog;
    this.#queueMax = options.queueMax ?? 1_000;
    this.#sendTimeoutMs = options.sendTimeoutMs ?? 60_000;
    this.#retries = options.retries ?? retryOptions.retries;
  }

  /** Connects now instead of at the first send. */
  async start(): Promise<void> {
    await this.#inTurn(() => this.#connected(this.#sendTimeoutMs));
  }

  /**
   * Sends the records; those of one partition keep their order. Gives, per `topic:partition`, the offset of the FIRST
   * record sent there by this call; the others follow it without a gap when they fit one request (900 KiB per
   * partition). @throws SendFailed when not all were acknowledged
   *
   * `untilMs`: by the clock of `performance.now`; nothing is sent later, and nothing waited for. Absent: each request has
   * `sendTimeoutMs`.
   */
  async sendBatch(records: readonly OutRecord[], untilMs?: number): Promise<Map<string, bigint>> {
    const leftMs = () => (untilMs === undefined ? this.#sendTimeoutMs : untilMs - performance.now());
    return this.#inTurn(async () => {
      const offsets = new Map<string, bigint>();
      if (records.length === 0) return offsets;
      const waiting = rounds(records);
      for (let round = waiting.shift(); round; round = waiting.shift()) {
        await this.#send(round, waiting, offsets, leftMs);
      }
      return offsets;
    });
  }

  /** Refuses new calls, waits for those accepted, disconnects. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#tail.catch(() => {});
    await this.#discard();
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#stopped) throw new SendFailed('the producer is stopped', false);
    if (this.#queued >= this.#queueMax)
      throw new SendFailed(`${this.#queueMax} sends are waiting already`, true);
    this.#queued++;
    const turn = this.#tail.then(work);
    this.#tail = turn.then(
      () => this.#queued--,
      () => this.#queued--,
    );
    return turn;
  }

  async #send(
    round: Round,
    later: readonly Round[],
    offsets: Map<string, bigint>,
    leftMs: () => number,
  ): Promise<void> {
    const acknowledged = new Set<string>();
    try {
      if (leftMs() <= 0) throw new Error('its time was over before its turn came');
      const producer = await this.#connected(leftMs());
      const topicMessages = round as unknown as TopicMessages[];
      const sent = await withTimeout(
        // The broker's own wait for its replicas ends before ours does.
        producer.sendBatch({ acks: -1, timeout: requestTimeoutMs - 2_000, topicMessages }),
        leftMs(),
        'sending',
      );
      for (const { topicName, partition, baseOffset } of sent) {
        const key = `${topicName}:${partition}`;
        acknowledged.add(key);
        if (!offsets.has(key)) offsets.set(key, BigInt(baseOffset ?? -1));
      }
      checkAll(round, acknowledged);
    } catch (error) {
      await this.#discard();
      const text = explain(error instanceof Error ? error.message : String(error));
      this.#log.warn('send failed, the producer is replaced', { error: text });
      const unsent = new Set(later.flatMap(partitionsOf));
      for (const key of partitionsOf(round)) if (!acknowledged.has(key)) unsent.add(key);
      const whole = new Map([...offsets].filter(([key]) => !unsent.has(key)));
      throw new SendFailed(text, !saysOneOf(error, final), { cause: error, acknowledged: whole });
    }
  }

  async #connected(timeoutMs: number): Promise<Producer> {
    if (this.#producer) return this.#producer;
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: { ...retryOptions, retries: this.#retries },
      createPartitioner: () => (args) => (args.message as Message & { partition: number }).partition,
    });
    try {
      await withTimeout(producer.connect(), timeoutMs, 'connecting');
    } catch (error) {
      // What it had opened, or opens yet, would be kept by nobody's producer.
      void producer.disconnect().catch(() => {});
      throw error;
    }
    this.#producer = producer;
    return producer;
  }

  async #discard(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    if (producer)
      await withTimeout(producer.disconnect(), disconnectTimeoutMs, 'disconnecting').catch(() => {});
  }
}

/**
 * When a partition moves during a request, to a broker that has answered for others, kafkajs' retry takes that broker's
 * part for done and resolves without the partition (sendMessages.js keeps one list of answered brokers over its tries).
 */
function checkAll(round: Round, acknowledged: ReadonlySet<string>): void {
  const missing = partitionsOf(round).find((key) => !acknowledged.has(key));
  if (missing === undefined) return;
  throw new Error(`no broker acknowledged what was sent to ${missing.replace(':', ' partition ')}`);
}

/** `topic:partition` of each partition in a round. */
function partitionsOf(round: Round): string[] {
  return round.flatMap(({ topic, messages }) =>
    Object.keys(messages.byPartition).map((partition) => `${topic}:${partition}`),
  );
}
