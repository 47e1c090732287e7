import { setTimeout as sleep } from 'node:timers/promises';
import { allTopics, deadLetterTopic, type Topic } from '@slipstream/contracts';
import type { Admin, ITopicConfig } from 'kafkajs';
import type { KafkaClient } from './client.ts';
import { retryOptions } from './client.ts';

const readyTimeoutMs = 30_000;

/**
 * Makes the topics that are missing and waits until every one of them has its leaders. Several services may call it
 * at once. @throws Error when a topic exists with another number of partitions: keys would move
 */
export async function ensureTopics(kafka: KafkaClient, topics: readonly Topic[] = allTopics): Promise<void> {
  const admin = kafka.admin({ retry: retryOptions });
  await admin.connect();
  try {
    const brokers = (await admin.describeCluster()).brokers.length;
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !existing.has(topic.name));
    if (missing.length > 0) await create(admin, missing, brokers);
    await untilReady(admin, topics);
  } finally {
    await admin.disconnect();
  }
}

async function create(admin: Admin, topics: readonly Topic[], brokers: number): Promise<void> {
  try {
    await admin.createTopics({
      topics: topics.map((topic) => toConfig(topic, brokers)),
      waitForLeaders: false,
      timeout: 10_000,
    });
  } catch (error) {
    // Another service was faster with some of them; `untilReady` sees whether all are there.
    const errors = (error as { errors?: { type?: string }[] }).errors ?? [error as { type?: string }];
    if (!errors.every((one) => one.type === 'TOPIC_ALREADY_EXISTS')) throw error;
  }
}

function toConfig(topic: Topic, brokers: number): ITopicConfig {
  const replicationFactor = Math.min(3, brokers);
  const config: Record<string, string> = {
    'cleanup.policy': topic.cleanup,
    'message.timestamp.type': topic.timestamp,
    'min.insync.replicas': String(Math.max(1, replicationFactor - 1)),
    // The broker unpacks what others compressed: kafkajs stops for good at a codec it lacks (K13).
    'compression.type': 'uncompressed',
  };
  // A dead letter is its original and the headers that say why: it must fit where the original just fitted.
  if (topic.name.endsWith(deadLetterTopic(''))) config['max.message.bytes'] = '2097152';
  if (topic.cleanup === 'delete') config['retention.ms'] = String(topic.retentionMs);
  // Ticks replace each other many times a second: keep the log that a new reader must pass short.
  else Object.assign(config, { 'segment.ms': '600000', 'min.cleanable.dirty.ratio': '0.1' });
  return {
    topic: topic.name,
    numPartitions: topic.partitions,
    replicationFactor,
    configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
  };
}

async function untilReady(admin: Admin, topics: readonly Topic[]): Promise<void> {
  const until = performance.now() + readyTimeoutMs;
  for (;;) {
    const waiting = await notReady(admin, topics);
    if (waiting.length === 0) return;
    if (performance.now() > until) {
      throw new Error(`topics without leaders after ${readyTimeoutMs} ms: ${waiting.join(', ')}`);
    }
    await sleep(50);
  }
}

async function notReady(admin: Admin, topics: readonly Topic[]): Promise<string[]> {
  const existing = new Set(await admin.listTopics());
  const here = topics.filter((topic) => existing.has(topic.name));
  const missing = topics.filter((topic) => !existing.has(topic.name)).map((topic) => topic.name);
  if (here.length === 0) return missing;
  const metadata = await admin.fetchTopicMetadata({ topics: here.map((topic) => topic.name) });
  for (const { name, partitions } of metadata.topics) {
    const wanted = here.find((topic) => topic.name === name)!.partitions;
    if (partitions.length > 0 && partitions.length !== wanted) {
      throw new Error(
        `topic ${name} has ${partitions.length} partitions, expected ${wanted}: partitions are fixed when a topic is made`,
      );
    }
    if (partitions.length === 0 || partitions.some((one) => one.leader < 0)) missing.push(name);
  }
  return missing;
}
