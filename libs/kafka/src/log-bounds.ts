import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import type { KafkaClient } from './client.ts';
import { clusterFactory } from './cluster.ts';

export interface LogBounds {
  /** The first offset the log still has. */
  readonly start: number;
  /** The offset after the last record. */
  readonly end: number;
}

const leaderTries = 20;
const leaderDelayMs = 100;

/** Where the log of each partition starts and ends. @throws Error when a partition finds no leader in about 2 s */
export async function readLogBounds(admin: Admin, topic: string): Promise<Map<number, LogBounds>> {
  const offsets = await askLeaders(admin, topic);
  return new Map(offsets.map((one) => [one.partition, { start: Number(one.low), end: Number(one.high) }]));
}

/**
 * A client by which a log ends behind all that was appended. By any other it ends before the first record of a transaction that is
 * still open, which is as far as a consumer can read: what was received is not known by that.
 */
export function seeingUncommitted(kafka: KafkaClient): KafkaClient {
  const { symbol, make } = clusterFactory(kafka);
  const makeSeeing = (options: object) => make({ ...options, isolationLevel: readUncommitted });
  return Object.create(kafka, { [symbol]: { value: makeSeeing } }) as KafkaClient;
}

const readUncommitted = 0;

/** A broker learns that it leads a new or moved partition later than the controller does; kafkajs does not wait for it. */
async function askLeaders(admin: Admin, topic: string): ReturnType<Admin['fetchTopicOffsets']> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await admin.fetchTopicOffsets(topic);
    } catch (error) {
      const { type } = error as { type?: string };
      if (type !== 'NOT_LEADER_FOR_PARTITION' || tries === leaderTries) throw error;
    }
    await sleep(leaderDelayMs);
  }
}
