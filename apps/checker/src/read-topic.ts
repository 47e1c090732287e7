import { createHash, randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { readEvent } from './events.ts';
import type { KafkaLogin } from './kafka-login.ts';
import './no-headers.ts';
import type { TopicEvent } from './facts.ts';

export const eventsTopic = 'slips.events.v1';

const stallMs = 30_000;

/** Reads `slips.events.v1` from its start to where it ends now. Records that are no events of ours are left out. */
export async function readTopic(
  brokers: readonly string[],
  login: KafkaLogin = {},
  topic = eventsTopic,
): Promise<TopicEvent[]> {
  const kafka = new Kafka({
    brokers: [...brokers],
    clientId: 'slipstream-checker',
    logLevel: logLevel.NOTHING,
    ...login,
  });
  const admin = kafka.admin();
  await admin.connect();
  const groupId = `slipstream-checker-${randomUUID()}`;
  try {
    const ends = (await admin.fetchTopicOffsets(topic)).map(({ partition, high, low }) => ({
      partition,
      low: BigInt(low),
      high: BigInt(high),
    }));
    const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200 });
    const events: TopicEvent[] = [];
    try {
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await readTo(
        consumer,
        new Map(ends.filter(({ low, high }) => high > low).map((end) => [end.partition, end.high])),
        events,
      );
    } finally {
      await consumer.disconnect();
    }
    return events.sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset));
  } finally {
    await admin.deleteGroups([groupId]).catch(() => {});
    await admin.disconnect();
  }
}

type Consumer = ReturnType<Kafka['consumer']>;

/** Resolves when every partition was read up to its end; rejects when nothing came for {@link stallMs}. */
async function readTo(consumer: Consumer, ends: Map<number, bigint>, events: TopicEvent[]): Promise<void> {
  if (ends.size === 0) return;
  const stalled = Promise.withResolvers<never>();
  const done = Promise.withResolvers<void>();
  const arm = () =>
    setTimeout(() => stalled.reject(new Error(`nothing read for ${stallMs} ms`)), stallMs).unref();
  let timer = arm();
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      // What came after the end was known is not asked for, and nobody waits for it.
      if (ends.size === 0) return;
      clearTimeout(timer);
      timer = arm();
      for (const message of batch.messages) {
        const event = toEvent(batch.partition, message.offset, message.value);
        if (event) events.push(event);
      }
      const end = ends.get(batch.partition);
      if (end !== undefined && BigInt(batch.lastOffset()) + 1n >= end) ends.delete(batch.partition);
      if (ends.size === 0) done.resolve();
    },
  });
  try {
    await Promise.race([done.promise, stalled.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function toEvent(partition: number, offset: string, value: Buffer | null): TopicEvent | null {
  const event = value && readEvent(value);
  if (!event) return null;
  const bytes = createHash('sha256').update(value).digest('hex');
  return { partition, offset: BigInt(offset), bytes, event };
}
