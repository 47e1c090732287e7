import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PartitionAssigner, PartitionAssigners } from 'kafkajs';
import './kafkajs-version.ts';

export interface FetchWaits {
  /** Longest wait of a fetch for its first byte while records come, or a partition is paused. */
  readonly shortMs: number;
  /** The same once nothing came for a while: it is also how late a rebalance is noticed then. */
  readonly quietMs: number;
  /** Between the beginnings of two fetches while records trickle in. */
  readonly pauseMs: () => number;
}

const load = createRequire(import.meta.url);
// kafkajs' types name it, its module does not give it to an import.
const { KafkaJSConnectionError } = load('kafkajs/src/errors') as {
  KafkaJSConnectionError: new (message: string, where: { broker: string }) => Error;
};

/** An answer of so many bytes is followed by the next fetch at once: there is more. */
const muchBytes = 32 * 1024;

/** Answers without a record, one after the other, after which it is quiet. */
const quietAnswers = 5;
const giveUpEveryMs = 50;

interface Connection {
  rejectRequests(error: Error): void;
}

interface ConnectionPool {
  readonly host: string;
  readonly port: number;
  readonly pool: readonly Connection[];
}

interface Cluster {
  readonly brokerPool: { readonly brokers: Record<string, { readonly connectionPool: ConnectionPool }> };
}

interface FetchedBatch {
  readonly partition: number;
  readonly rawMessages: readonly { readonly value: Buffer | null }[];
}

/** What one fetch has brought, and when it was begun. */
export interface Answer {
  readonly records: number;
  readonly bytes: number;
  readonly begunAtMs: number;
  /** Of which it has brought any. */
  readonly partitions: readonly number[];
}

interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

interface ConsumerGroup {
  readonly cluster: Cluster;
  readonly subscriptionState: { paused(): readonly unknown[] };
  maxWaitTime: number;
  fetch(nodeId: string): Promise<readonly FetchedBatch[]>;
  filterPartitionsByNode(nodeId: string, assigned: readonly TopicPartitions[]): readonly TopicPartitions[];
}

/** kafkajs sends fetches over the second connection of each broker, everything else over the first. */
const fetchConnection = 1;

/** By the cluster that kafkajs makes for each consumer. */
const polls = new WeakMap<Cluster, LongPolls>();

/**
 * How long one consumer's fetches wait. The broker answers with the first byte, so a long wait delays no record; but a
 * partition that is resumed, or was sought, is asked for with the next fetch only, so while one is paused the waits are
 * short. A stop does not wait for a fetch at all ({@link giveUpUntil}). And as each costs the broker and us the same for one
 * record as for twenty, what trickles in is fetched together; the first after a pause is not kept waiting. An answer holds what the
 * partitions have that are asked for first: whoever has brought records is asked for last next time, or in a long backlog the last
 * ones would stand still until the first have nothing more.
 */
export class LongPolls {
  readonly #waits: FetchWaits;
  readonly #emptyAnswers = new Map<string, number>();
  /** When the next fetch may begin, by broker. */
  readonly #nextAtMs = new Map<string, number>();
  /** By partition: at which answer it brought records last. */
  readonly #broughtAt = new Map<number, number>();
  #answers = 0;
  #cluster: Cluster | null = null;

  constructor(waits: FetchWaits) {
    this.#waits = waits;
  }

  /** kafkajs' default one; being made, it is given the consumer's connections. To be used in `partitionAssigners`. */
  readonly assigner: PartitionAssigner = (config) => {
    this.#cluster = config.cluster as unknown as Cluster;
    polls.set(this.#cluster, this);
    return PartitionAssigners.roundRobin(config);
  };

  /** The next fetch from this broker waits so long. */
  waitMs(nodeId: string, isAnyPaused: boolean): number {
    const isQuiet = (this.#emptyAnswers.get(nodeId) ?? 0) >= quietAnswers && !isAnyPaused;
    return isQuiet ? this.#waits.quietMs : this.#waits.shortMs;
  }

  /** A fetch that begins at `nowMs` should begin so much later. */
  pauseMs(nodeId: string, nowMs: number): number {
    return Math.max(0, (this.#nextAtMs.get(nodeId) ?? nowMs) - nowMs);
  }

  /** Partitions in the order in which they are asked for: those that have waited longest first. */
  inTurn(partitions: readonly number[]): number[] {
    const brought = (partition: number) => this.#broughtAt.get(partition) ?? 0;
    return partitions.toSorted((a, b) => brought(a) - brought(b));
  }

  /** What a fetch has brought. */
  answered(nodeId: string, { records, bytes, begunAtMs, partitions }: Answer): void {
    this.#answers += 1;
    for (const partition of partitions) this.#broughtAt.set(partition, this.#answers);
    this.#emptyAnswers.set(nodeId, records > 0 ? 0 : (this.#emptyAnswers.get(nodeId) ?? 0) + 1);
    this.#nextAtMs.set(nodeId, bytes < muchBytes ? begunAtMs + this.#waits.pauseMs() : begunAtMs);
  }

  /** Ends the fetches under way, until what was begun has ended: a stop, which else would wait for their answers. */
  async giveUpUntil<T>(stopped: Promise<T>): Promise<T> {
    this.#giveUp();
    // One may only now be on its way to the connection.
    const timer = setInterval(() => this.#giveUp(), giveUpEveryMs);
    return stopped.finally(() => clearInterval(timer));
  }

  #giveUp(): void {
    for (const { connectionPool } of Object.values(this.#cluster?.brokerPool.brokers ?? {})) {
      const { host, port } = connectionPool;
      // Not a closed connection: for that kafkajs gives up the broker, and then cannot leave the group.
      const error = new KafkaJSConnectionError('the consumer stops', { broker: `${host}:${port}` });
      connectionPool.pool[fetchConnection]?.rejectRequests(error);
    }
  }
}

const { prototype } = load('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroup };
const { fetch, filterPartitionsByNode } = prototype;

prototype.fetch = async function (this: ConsumerGroup, nodeId) {
  const own = polls.get(this.cluster);
  if (!own) return fetch.call(this, nodeId);
  const pauseMs = own.pauseMs(nodeId, performance.now());
  if (pauseMs > 0) await sleep(pauseMs);
  const begunAtMs = performance.now();
  this.maxWaitTime = own.waitMs(nodeId, this.subscriptionState.paused().length > 0);
  const batches = await fetch.call(this, nodeId);
  const records = batches.flatMap(({ rawMessages }) => rawMessages);
  const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  const brought = batches.filter(({ rawMessages }) => rawMessages.length > 0);
  const partitions = brought.map(({ partition }) => partition);
  own.answered(nodeId, { records: records.length, bytes, begunAtMs, partitions });
  return batches;
};

prototype.filterPartitionsByNode = function (this: ConsumerGroup, nodeId, assigned) {
  const own = polls.get(this.cluster);
  const found = filterPartitionsByNode.call(this, nodeId, assigned);
  return own ? found.map(({ topic, partitions }) => ({ topic, partitions: own.inTurn(partitions) })) : found;
};
