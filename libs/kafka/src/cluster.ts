import type { Kafka } from 'kafkajs';
import './kafkajs-version.ts';

/** The part of kafkajs' private connection to all brokers that this library uses where the public clients have no door. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  findGroupCoordinator(of: { groupId: string }): Promise<Coordinator>;
  readonly brokerPool: { readonly seedBroker: Broker };
  addTargetTopic(topic: string): Promise<void>;
  /** The partitions of each broker, by its id. */
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>;
  findBroker(of: { nodeId: string }): Promise<FetchingBroker>;
}

export interface FetchingBroker {
  fetch(request: {
    replicaId: -1;
    isolationLevel: 0 | 1;
    maxWaitTime: number;
    minBytes: number;
    maxBytes: number;
    topics: { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }[];
  }): Promise<{ responses: { partitions: { partition: number; messages: FetchedMessage[] }[] }[] }>;
}

export interface FetchedMessage {
  readonly offset: string;
  readonly value: Buffer | null;
  readonly isControlRecord?: boolean;
}

export interface Coordinator {
  leaveGroup(member: { groupId: string; memberId: string }): Promise<unknown>;
}

export interface Broker {
  /** Per API key what the broker speaks; null before it is connected. */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null;
  readonly connectionPool: { send(protocol: object): Promise<unknown> };
}

/** The private method that kafkajs' own clients make their connections with, and its name. */
export function clusterFactory(kafka: Kafka): {
  readonly symbol: symbol;
  make(options: object): Cluster;
} {
  const symbols = [kafka, Object.getPrototypeOf(kafka)].flatMap(Object.getOwnPropertySymbols);
  const symbol = symbols.find((one) => one.description === 'private:Kafka:createCluster');
  if (!symbol) throw new Error('this version of kafkajs makes its clusters elsewhere');
  return { symbol, make: (kafka as unknown as Record<symbol, (options: object) => Cluster>)[symbol]! };
}

/** Connects, works and disconnects. */
export async function withCluster<T>(kafka: Kafka, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = clusterFactory(kafka).make({ allowAutoTopicCreation: false });
  await cluster.connect();
  try {
    return await work(cluster);
  } finally {
    await cluster.disconnect();
  }
}
