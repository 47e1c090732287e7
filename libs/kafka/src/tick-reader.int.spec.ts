import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { encodeTick, type Tick, tickKey, topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { createKafka, type KafkaClient } from './client.ts';
import { SerialProducer } from './producer.ts';
import { until } from './test-support/rig.ts';
import { TickReader } from './tick-reader.ts';
import { ensureTopics } from './topics.ts';

const environment = sharedEnvironment();
const source = '/slipstream/intake';
let kafka: KafkaClient;
let producer: SerialProducer;
let topic: string;
const readers: TickReader[] = [];

beforeEach(async () => {
  kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'spec' });
  producer = new SerialProducer(kafka);
  topic = `spec-${randomUUID()}`;
  await ensureTopics(kafka, [{ ...topics.watermarks, name: topic }]);
});
afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.stop()));
  await producer.stop();
});

const timeOf = (second: number) => `2026-11-22T10:00:${String(second).padStart(2, '0')}.000000Z`;

async function tick(second: number, clock = 'wall'): Promise<void> {
  const marks = [{ partition: 0, time: timeOf(second), offset: BigInt(second) }];
  await send(clock, Buffer.from(encodeTick({ source, clock, marks, closed: false })));
}

async function send(clock: string, value: Buffer | null): Promise<void> {
  await producer.sendBatch([{ topic, partition: 0, key: tickKey(source, clock), value }]);
}

async function startReader(fatal: Error[] = []): Promise<TickReader> {
  const reader = new TickReader({ kafka, name: 'spec', topic, onFatal: (error) => fatal.push(error) });
  readers.push(reader);
  await reader.start();
  return reader;
}

const secondOf = (reader: TickReader, clock = 'wall') => reader.latest(source, clock)?.marks[0]?.time;

describe('TickReader', () => {
  it('knows at start what lies in the topic, then every new tick', async () => {
    await tick(1);
    await tick(2);
    await tick(1, 'import-1');
    const reader = await startReader();
    expect(secondOf(reader)).toBe(timeOf(2));
    expect(reader.clocks()).toEqual(['wall', 'import-1']);
    const heard: Tick[] = [];
    reader.onTick((one) => heard.push(one));
    await tick(3);
    await until(() => heard.length > 0, 'a tick heard');
    expect(secondOf(reader)).toBe(timeOf(3));
    expect(reader.ageMs(source, 'wall')).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(reader.ageMs('/slipstream/ledger', 'wall')).toBe(Number.POSITIVE_INFINITY);
  });

  it('starts on an empty topic', async () => {
    const reader = await startReader();
    expect(reader.clocks()).toEqual([]);
  });

  it('forgets a clock at its tombstone, and survives nonsense and a listener that throws', async () => {
    const fatal: Error[] = [];
    const reader = await startReader(fatal);
    reader.onTick(() => {
      throw new TypeError('a bug of the listener');
    });
    await send('wall', Buffer.from('nonsense'));
    await tick(1, 'import-1');
    await tick(5);
    await until(() => secondOf(reader) === timeOf(5), 'ticks read');
    await send('import-1', null);
    await until(() => reader.clocks().length === 1, 'the clock forgotten');
    await tick(4);
    await tick(6, 'import-2');
    await until(() => reader.clocks().length === 2, 'later ticks read');
    expect(secondOf(reader)).toBe(timeOf(5));
    expect(fatal).toEqual([]);
  });

  it('leaves no group behind', async () => {
    const reader = await startReader();
    await reader.stop();
    const admin = kafka.admin();
    await admin.connect();
    const { groups } = await admin.listGroups();
    await admin.disconnect();
    expect(groups.filter(({ groupId }) => groupId.startsWith('spec-ticks-'))).toEqual([]);
  });
});
