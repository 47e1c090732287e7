import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { cloudEventType, encodeCloudEvent, sources, stampEnvelope, topics } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import {
  BatchConsumer,
  createKafka,
  deadLetterRecord,
  ensureTopics,
  SerialProducer,
} from '@slipstream/kafka';
import {
  coreMigrations,
  migrate,
  openDataSource,
  PgConsumerStore,
  type Tx,
  UnitOfWork,
} from '@slipstream/postgres';
import { waitFor } from '@slipstream/testing';
import { Registry } from 'prom-client';
import { consumerMetrics } from './metrics.ts';
import { newId } from './new-id.ts';
import { type PartitionDesk, partitionDesk } from './partition-desk.ts';

const environment = sharedEnvironment();
const quiet = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
let under: Under;

/** A consumer of a topic of its own that writes down which numbers it handled, and the desk where people decide. */
interface Under {
  readonly desk: PartitionDesk;
  readonly topic: string;
  readonly decisions: object[];
  send(sequence: number, incarnation?: number, slip?: string): Promise<void>;
  handled(): Promise<number[]>;
  restart(): Promise<void>;
  /** The log begins at this offset from now on. */
  truncate(offset: number): Promise<void>;
  /** What `slipstream_consumer_stopped` says of the partition. */
  shown(): Promise<number[]>;
  query<Row>(sql: string): Promise<Row[]>;
  stop(): Promise<void>;
}

async function start(): Promise<Under> {
  const url = await createDatabase(environment().databaseUrl, 'stopped');
  const dataSource = await openDataSource({ url, applicationName: 'spec', poolMax: 6 });
  await migrate(dataSource, [coreMigrations]);
  const unitOfWork = new UnitOfWork(dataSource);
  await unitOfWork.query('create table effect (n bigserial, seq int)');
  const topic = `stopped-spec-${randomUUID()}`;
  const kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'stopped-spec', log: quiet });
  await ensureTopics(kafka, [{ ...topics.events, name: topic, partitions: 1 }]);
  const producer = new SerialProducer(kafka, { log: quiet });
  const store = new PgConsumerStore(unitOfWork, deadLetterRecord);
  const metrics = consumerMetrics();
  const registry = new Registry();
  metrics.register(registry);
  const consumer = () =>
    new BatchConsumer<Tx>({
      ...{ kafka, store, log: quiet },
      subscription: {
        ...{ topic, group: `spec-${topic}`, sequenced: true },
        handle: async (tx, { records }) => {
          for (const { sequence } of records)
            await tx.query('insert into effect (seq) values ($1)', [sequence]);
        },
      },
      onFatal: (error) => {
        throw error;
      },
      options: { maxWaitMs: 50, decisionPollMs: 20 },
      metrics: metrics.of('spec'),
    });
  let running = consumer();
  await running.start();
  const decisions: object[] = [];
  return {
    ...{ topic, decisions },
    desk: partitionDesk({
      ...{ kafka, stops: store.stops, newId },
      log: (_, fields) => decisions.push(fields),
    }),
    async send(sequence, incarnation = 1, slip = 'slip') {
      const head = { id: newId(), source: sources.ledger, subject: slip, clock: 'wall' };
      const body = encodeCloudEvent({ ...head, type: cloudEventType('SlipSettled') }, new Uint8Array());
      const time = '2026-11-22T10:39:00.123456Z';
      const numbers = { sequence: String(sequence), incarnation: String(incarnation) };
      const value = stampEnvelope(body, { ...numbers, time, receivedTime: time });
      await producer.sendBatch([{ topic, partition: 0, key: slip, value }]);
    },
    async handled() {
      const rows = await unitOfWork.query<{ seq: number }>('select seq from effect order by n');
      return rows.map(({ seq }) => seq);
    },
    async restart() {
      await running.stop();
      running = consumer();
      await running.start();
    },
    async truncate(offset) {
      const admin = kafka.admin();
      await admin.connect();
      await admin.fetchTopicOffsets(topic); // kafkajs knows the leaders from here on
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
      await admin.disconnect();
    },
    async shown() {
      const { values } = await registry.getSingleMetric('slipstream_consumer_stopped')!.get();
      return values.map(({ value }) => value);
    },
    query: (sql) => unitOfWork.query(sql),
    async stop() {
      await running.stop();
      await producer.stop();
      await dataSource.destroy();
    },
  };
}

beforeEach(async () => {
  under = await start();
});
afterEach(() => under.stop());

const by = { by: 'sre-1', reason: 'lost with broker 2' };
const one = () =>
  waitFor(async () => (await under.desk.list())[0], { what: 'the partition to be shown as stopped' });

test('a partition with lost records is shown with both numbers, and goes on from where people say', async () => {
  for (const sequence of [1, 2, 5, 6]) await under.send(sequence);
  expect(await one()).toMatchObject({
    ...{ topic: under.topic, partition: 0, nextOffset: 2, logStart: 0, logEnd: 4 },
    why: `offset 2 carries seq 5 of ${sources.ledger}, after 2: 2 record(s) lost`,
    sources: [
      { source: sources.ledger, sequence: 2, incarnation: 1, digest: expect.stringMatching(/^[\da-f]{8}$/) },
    ],
    record: { offset: 2, source: sources.ledger, sequence: 5, incarnation: 1 },
  });
  // It stands over a restart, and what was handled or does not exist is refused.
  const { stoppedAt } = await one();
  await under.restart();
  await waitFor(async () => ((await under.desk.list())[0]?.stoppedAt ?? stoppedAt) !== stoppedAt, {
    what: 'the partition to stop again',
  });
  const place = { topic: under.topic, partition: 0 };
  expect(await under.shown()).toEqual([1]);
  await expect(under.desk.goOn(place, 1, by)).rejects.toThrow('conflict');
  await expect(under.desk.goOn(place, 5, by)).rejects.toThrow('conflict');
  await expect(under.desk.goOn({ ...place, partition: 1 }, 2, by)).rejects.toThrow('not_found');
  expect(await under.handled()).toEqual([1, 2]);

  const { id } = await under.desk.goOn(place, 2, by);
  await waitFor(async () => (await under.handled()).length === 4, { what: 'the partition to go on' });
  expect(await under.handled()).toEqual([1, 2, 5, 6]);
  expect(await under.shown()).toEqual([0]);
  expect(await under.desk.list()).toEqual([]);
  expect(under.decisions).toMatchObject([{ id, ...place, from: 2, offset: 2, ...by }]);
  expect(await under.query('select * from partition_decision')).toMatchObject([
    {
      id,
      decided_by: by.by,
      reason: by.reason,
      from_offset: '2',
      to_offset: '2',
      from_seq: '2',
      to_seq: '5',
    },
  ]);
  await expect(under.desk.goOn(place, 4, by)).rejects.toThrow('not_found');
});

test('a fork is shown with both digests, and what follows it is read on from the later incarnation', async () => {
  for (const sequence of [1, 2, 3]) await under.send(sequence);
  await waitFor(async () => (await under.handled()).length === 3, { what: 'three records' });
  // Another database of that service took the same number.
  await under.send(3, 2, 'other');
  await under.send(4, 2, 'other');
  const { why, sources: known, record } = await one();
  expect(why).toContain('a fork: incarnation 2 gives a number out that was taken after 3 of incarnation 1');
  expect(known[0]!.digest).not.toBe(record!.digest);
  await under.desk.goOn({ topic: under.topic, partition: 0 }, 4, by);
  await waitFor(async () => (await under.handled()).length === 4, { what: 'the partition to go on' });
  expect(await under.handled()).toEqual([1, 2, 3, 4]);
});

test('a partition whose records the log has no more is shown, and goes on where the log begins', async () => {
  for (const sequence of [1, 2, 5, 6]) await under.send(sequence);
  await one();
  await under.truncate(3);
  expect(await one()).toMatchObject({ nextOffset: 2, logStart: 3, logEnd: 4, record: null, unread: null });
  const place = { topic: under.topic, partition: 0 };
  await expect(under.desk.goOn(place, 2, by)).rejects.toThrow('conflict');
  await under.desk.goOn(place, 3, by);
  await waitFor(async () => (await under.handled()).length === 3, { what: 'the partition to go on' });
  expect(await under.handled()).toEqual([1, 2, 6]);
});

test('in a topic made anew, copies of what was handled are no new events', async () => {
  for (const sequence of [1, 2, 5]) await under.send(sequence);
  await one();
  await under.query("update consumer_position set topic_id = 'the one before'");
  await under.desk.goOn({ topic: under.topic, partition: 0 }, 0, by);
  // It stands where it stood: the copies were passed over, and the jump is a jump.
  expect(await one()).toMatchObject({ nextOffset: 2, sources: [{ sequence: 2 }] });
  expect(await under.handled()).toEqual([1, 2]);
});
