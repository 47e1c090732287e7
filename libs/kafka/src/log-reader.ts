import { SlipstreamError } from '@slipstream/kernel';
import type { KafkaClient } from './client.ts';
import { type Cluster, clusterFactory, type FetchedMessage } from './cluster.ts';
import { EventWalk } from './event-walk.ts';
import { withRawBatches } from './raw-batches.ts';

/** A single record comes with its batch, whatever its size; this much behind it may be wanted, too. */
const placesBytesMax = 128 * 1024;
const waitMsMax = 100;
/** Answers in a row without anything, though the log is known to go on. */
const emptyAnswersMax = 50;

/**
 * Reads again what a consumer has read before, from a topic that keeps everything: ranges, and single records by their
 * offsets. Needs no group; the connection is made when it is first needed. Every error is `unavailable`: what is known to
 * lie in the log can be read another time.
 */
export class LogReader {
  readonly #kafka: KafkaClient;
  readonly #topic: string;
  readonly #rangeBytesMax: number;
  #connected: Promise<Cluster> | null = null;

  /** @param rangeBytesMax what one answer to `walk` brings at most; less for those who walk short ranges */
  constructor(kafka: KafkaClient, topic: string, rangeBytesMax = 1024 * 1024) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#rangeBytesMax = rangeBytesMax;
  }

  /** Tells of the records from one offset up to another, in place and in order. @throws SlipstreamError unavailable */
  async walk(
    partition: number,
    from: number,
    to: number,
    onRecord: (walk: EventWalk) => void,
  ): Promise<void> {
    const walk = new EventWalk();
    for (let next = from; next < to; ) {
      const messages = await this.#fetch(partition, next, this.#rangeBytesMax);
      for (const { offset, value, isControlRecord } of messages) {
        if (!isControlRecord) {
          walk.batch(value!);
          while (walk.next()) if (walk.offset >= next && walk.offset < to) onRecord(walk);
        }
        next = Math.max(next, Number(offset) + 1);
      }
    }
  }

  /**
   * The values of the records at `offsets`, which ascend. Records that lie near to each other are read together.
   * @throws SlipstreamError unavailable
   */
  async values(partition: number, offsets: readonly number[]): Promise<ReadonlyMap<number, Buffer>> {
    const wanted = new Set(offsets);
    const found = new Map<number, Buffer>();
    const walk = new EventWalk();
    for (let at = 0; at < offsets.length; ) {
      const messages = await this.#fetch(partition, offsets[at]!, placesBytesMax);
      for (const { value, isControlRecord } of messages) {
        if (isControlRecord) continue;
        walk.batch(value!);
        while (walk.next())
          if (wanted.has(walk.offset)) found.set(walk.offset, walk.value() ?? Buffer.alloc(0));
      }
      const last = Number(messages.at(-1)!.offset);
      for (; at < offsets.length && offsets[at]! <= last; at++) {
        if (!found.has(offsets[at]!))
          throw unavailable(`${this.#topic} has no record at ${partition}:${offsets[at]}`);
      }
    }
    return found;
  }

  async stop(): Promise<void> {
    const connected = this.#connected;
    this.#connected = null;
    await connected?.then((cluster) => cluster.disconnect()).catch(() => {});
  }

  async #fetch(partition: number, offset: number, bytesMax: number): Promise<FetchedMessage[]> {
    try {
      for (let empty = 0; empty < emptyAnswersMax; empty++) {
        const messages = await this.#fetchOnce(partition, offset, bytesMax);
        if (messages.length > 0) return messages;
      }
    } catch (cause) {
      await this.stop();
      throw unavailable(`${this.#topic} cannot be read at ${partition}:${offset}`, cause);
    }
    throw unavailable(`${this.#topic} gives nothing at ${partition}:${offset}`);
  }

  async #fetchOnce(partition: number, offset: number, maxBytes: number): Promise<FetchedMessage[]> {
    const topic = this.#topic;
    this.#connected ??= this.#connect();
    const cluster = await this.#connected;
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
    if (nodeId === undefined) throw new Error(`partition ${partition} has no leader`);
    const broker = await cluster.findBroker({ nodeId });
    const { responses } = await broker.fetch({
      ...{ replicaId: -1, isolationLevel: 1, maxWaitTime: waitMsMax, minBytes: 1, maxBytes },
      topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes }] }],
    });
    return responses.flatMap(({ partitions }) => partitions.flatMap(({ messages }) => messages));
  }

  async #connect(): Promise<Cluster> {
    const cluster = clusterFactory(withRawBatches(this.#kafka)).make({ allowAutoTopicCreation: false });
    await cluster.connect();
    await cluster.addTargetTopic(this.#topic);
    return cluster;
  }
}

function unavailable(detail: string, cause?: unknown): SlipstreamError {
  return new SlipstreamError('unavailable', detail, { cause });
}
