import { createRequire } from 'node:module';
import { type PartitionAssigner, PartitionAssigners } from 'kafkajs';
import './kafkajs-version.ts';

export interface FetchWaits {
  /** Longest wait of a fetch for its first byte while records come, or a partition is paused. */
  readonly shortMs: number;
  /** The same once nothing came for a while: it is also how late a rebalance is noticed then. */
  readonly quietMs: number;
}

const load = createRequire(import.meta.url);
// kafkajs' types name it, its module does not give it to an import.
const { KafkaJSConnectionError } = load('kafkajs/src/errors') as {
  KafkaJSConnectionError: new (message: string, where: { broker: string }) => Error;
};

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
  readonly rawMessages: readonly unknown[];
}

interface ConsumerGroup {
  readonly cluster: Cluster;
  readonly subscriptionState: { paused(): readonly unknown[] };
  maxWaitTime: number;
  fetch(nodeId: string): Promise<readonly FetchedBatch[]>;
}

/** kafkajs sends fetches over the second connection of each broker, everything else over the first. */
const fetchConnection = 1;

/** By the cluster that kafkajs makes for each consumer. */
const polls = new WeakMap<Cluster, LongPolls>();

/**
 * How long one consumer's fetches wait. The broker answers with the first byte, so a long wait delays no record; but a
 * partition that is resumed, or was sought, is asked for with the next fetch only, so while one is paused the waits are
 * short. A stop does not wait for a fetch at all ({@link giveUpUntil}).
 */
export class LongPolls {
  readonly #waits: FetchWaits;
  readonly #emptyAnswers = new Map<string, number>();
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

  answered(nodeId: string, hasRecords: boolean): void {
    this.#emptyAnswers.set(nodeId, hasRecords ? 0 : (this.#emptyAnswers.get(nodeId) ?? 0) + 1);
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
const fetch = prototype.fetch;

prototype.fetch = async function (this: ConsumerGroup, nodeId) {
  const own = polls.get(this.cluster);
  if (!own) return fetch.call(this, nodeId);
  this.maxWaitTime = own.waitMs(nodeId, this.subscriptionState.paused().length > 0);
  const batches = await fetch.call(this, nodeId);
  own.answered(
    nodeId,
    batches.some(({ rawMessages }) => rawMessages.length > 0),
  );
  return batches;
};
