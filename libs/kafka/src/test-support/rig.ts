import { randomUUID } from 'node:crypto';
import { topics } from '@slipstream/contracts';
import { waitFor } from '@slipstream/testing';
import type { Admin } from 'kafkajs';
import { createKafka, type KafkaClient } from '../client.ts';
import { BatchConsumer } from '../consumer.ts';
import type { ConsumerOptions, FetchLimits } from '../consumer-options.ts';
import type { Log } from '../log.ts';
import { readLogBounds } from '../log-bounds.ts';
import type { Batch, Subscription, UnitHandler } from '../ports.ts';
import { type OutRecord, SerialProducer } from '../producer.ts';
import { ensureTopics } from '../topics.ts';
import { MemoryStore, type MemoryTx } from './memory-store.ts';
import { eventBytes } from './records.ts';

export interface MemberOptions {
  readonly handle?: (tx: MemoryTx, batch: Batch) => Promise<void>;
  readonly sequenced?: boolean;
  readonly units?: UnitHandler<MemoryTx>;
  readonly store?: MemoryStore;
  readonly fetches?: FetchLimits;
  readonly options?: Partial<ConsumerOptions>;
  readonly clientId?: string;
  readonly kafka?: KafkaClient;
}

export interface Member {
  readonly consumer: BatchConsumer<MemoryTx>;
  readonly store: MemoryStore;
  readonly fatal: Error[];
  readonly stopped: number[];
  /** The partitions of which it tells how far behind it is. */
  readonly lagShown: ReadonlySet<number>;
}

const quietLog: Log = { info() {}, warn() {}, error() {} };

/** Writes `partition:offset` of each record: an effect that shows doubles and losses. */
export async function recordOffsets(tx: MemoryTx, { partition, records }: Batch): Promise<void> {
  for (const { offset } of records) tx.effects.push(`${partition}:${offset}`);
}

/** A topic of its own on a real broker, a producer of events into it, and members of one consumer group. */
export class Rig {
  readonly kafka: KafkaClient;
  readonly #brokers: readonly string[];
  readonly topic = `kafka-spec-${randomUUID()}`;
  readonly group = `${this.topic}-group`;
  readonly admin: Admin;
  readonly producer: SerialProducer;
  /** What members said while they waited for brokers. */
  readonly waits: string[] = [];
  readonly #members: Member[] = [];
  readonly #sequences = new Map<number, number>();

  constructor(brokers: readonly string[]) {
    this.#brokers = brokers;
    this.kafka = createKafka({ brokers, clientId: 'kafka-spec', log: quietLog });
    this.admin = this.kafka.admin();
    this.producer = new SerialProducer(this.kafka, { log: quietLog });
  }

  /** Makes the topic; with `config`, as somebody else may have made it. */
  async start(partitions = 1, config?: Record<string, string>): Promise<this> {
    await this.admin.connect();
    if (config) {
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
      const topics = [{ topic: this.topic, numPartitions: partitions, configEntries }];
      // kafkajs gives up where a broker does not know of a new topic yet.
      await this.admin.createTopics({ topics, waitForLeaders: false });
      const isThere = () =>
        readLogBounds(this.admin, this.topic).then(
          () => true,
          () => false,
        );
      await until(isThere, 'the topic made');
      return this;
    }
    await ensureTopics(this.kafka, [{ ...topics.events, name: this.topic, partitions }]);
    return this;
  }

  /** Deletes the topic and makes it again, as an operator may; numbers go on where they were. */
  async remake(partitions = 1): Promise<void> {
    await this.admin.deleteTopics({ topics: [this.topic] });
    await until(async () => !(await this.admin.listTopics()).includes(this.topic), 'the topic deleted');
    await ensureTopics(this.kafka, [{ ...topics.events, name: this.topic, partitions }]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ consumer }) => consumer.stop()));
    await this.producer.stop();
    await this.admin.deleteTopics({ topics: [this.topic] }).finally(() => this.admin.disconnect());
  }

  /** Sends the next `count` events of a partition, numbered in sequence. */
  async events(
    partition: number,
    count: number,
    key: (i: number) => string = (i) => `slip-${i}`,
  ): Promise<void> {
    const first = (this.#sequences.get(partition) ?? 0) + 1;
    this.#sequences.set(partition, first + count - 1);
    const record = (i: number) => this.record(partition, eventBytes(first + i, { key: key(i) }), key(i));
    await this.producer.sendBatch(Array.from({ length: count }, (_, i) => record(i)));
  }

  /** Removes the records below `offset`, as retention would. */
  async cut(partition: number, offset: number): Promise<void> {
    await this.admin.fetchTopicOffsets(this.topic); // deleteTopicRecords itself loads no metadata
    const partitions = [{ partition, offset: String(offset) }];
    await this.admin.deleteTopicRecords({ topic: this.topic, partitions });
  }

  /** Sets the offset that Kafka itself keeps for the group. */
  async commitInKafka(partition: number, offset: number): Promise<void> {
    const consumer = this.kafka.consumer({ groupId: this.group, maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topics: [this.topic] });
    // `run` comes back before a group is joined when the first try to join fails.
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    await consumer.run({ autoCommit: false, eachMessage: async () => {} });
    await joined;
    await consumer.commitOffsets([{ topic: this.topic, partition, offset: String(offset) }]);
    await consumer.disconnect();
  }

  #note(message: string): void {
    if (message === 'waiting for brokers') this.waits.push(message);
  }

  record(partition: number, value: Buffer | null, key: string | null = 'slip-1'): OutRecord {
    return { topic: this.topic, partition, key, value };
  }

  /** Joins one more member, sharing the store of the first. */
  async member(given: MemberOptions = {}): Promise<Member> {
    const store = given.store ?? this.#members[0]?.store ?? new MemoryStore();
    const subscription: Subscription<MemoryTx> = {
      topic: this.topic,
      group: this.group,
      sequenced: given.sequenced ?? true,
      handle: given.handle ?? recordOffsets,
      ...(given.units ? { units: given.units } : {}),
      ...(given.fetches ? { fetches: given.fetches } : {}),
    };
    const fatal: Error[] = [];
    const stopped: number[] = [];
    const lagShown = new Set<number>();
    const { clientId } = given;
    const consumer = new BatchConsumer({
      kafka:
        given.kafka ??
        (clientId ? createKafka({ brokers: this.#brokers, clientId, log: quietLog }) : this.kafka),
      ...(clientId ? { ownClientId: clientId } : {}),
      store,
      subscription,
      log: { ...quietLog, warn: (message) => this.#note(message) },
      onFatal: (error) => fatal.push(error),
      metrics: {
        stopped: (_, partition) => void stopped.push(partition),
        lag: (_, partition) => void lagShown.add(partition),
        left: (_, partition) => void lagShown.delete(partition),
      },
      options: { sessionTimeoutMs: 6_000, maxWaitMs: 100, attemptDelayMs: 5, ...given.options },
    });
    const member = { consumer, store, fatal, stopped, lagShown };
    this.#members.push(member);
    await consumer.start();
    return member;
  }

  /** The effects of `count` records in each partition, each once and in order. */
  allOnce(partitions: number, count: number): string[] {
    return Array.from({ length: partitions * count }, (_, i) => `${Math.floor(i / count)}:${i % count}`);
  }
}

/** Effects sorted by partition, the order within each untouched. */
export function byPartition(effects: readonly string[]): string[] {
  return [...effects].sort((a, b) => Number(a.split(':')[0]) - Number(b.split(':')[0]));
}

export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  await waitFor(condition, { what });
}
