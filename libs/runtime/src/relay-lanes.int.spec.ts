import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Topic } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { createKafka, ensureTopics, type KafkaClient, SerialProducer } from '@slipstream/kafka';
import {
  coreMigrations,
  migrate,
  openDataSource,
  prepareTopics,
  Relay,
  UnitOfWork,
} from '@slipstream/postgres';
import { waitFor } from '@slipstream/testing';
import { relayHealth, relayProducerOptions } from './relay-watch.ts';

const environment = sharedEnvironment();
const quiet = { info() {}, warn() {}, error() {} };
let kafka: KafkaClient;
let admin: ReturnType<KafkaClient['admin']>;
let dataSource: Awaited<ReturnType<typeof openDataSource>>;
let unitOfWork: UnitOfWork;
let relay: Relay;
let events: Topic;
let letters: Topic;

beforeEach(async () => {
  const name = `relay-lanes-${randomUUID()}`;
  const rest = { partitions: 4, key: 'k', owner: 'spec', retentionMs: -1, batchBytesMax: 1_048_576 };
  events = { name, ...rest, cleanup: 'delete', timestamp: 'CreateTime' };
  letters = { ...events, name: `${name}.dlq` };
  kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: name, log: quiet });
  admin = kafka.admin();
  await admin.connect();
  await make(events);
  await make(letters);
  const url = await createDatabase(environment().databaseUrl, 'relay_lanes');
  dataSource = await openDataSource({ url, applicationName: 'relay-lanes' });
  await migrate(dataSource, [coreMigrations]);
  unitOfWork = new UnitOfWork(dataSource, (topics) => relay.wake(topics));
  await prepareTopics(unitOfWork, [events, letters]);
  const connect = () => new SerialProducer(kafka, { ...relayProducerOptions, log: quiet });
  relay = new Relay(unitOfWork, {
    instanceId: 'spec',
    lanes: [
      { name: 'events', topics: [events.name], connect },
      { name: 'dead letters', topics: [letters.name], connect },
    ],
  });
  await relay.start();
});
afterEach(async () => {
  await relay.stop();
  await dataSource.destroy();
  const known = await admin.listTopics();
  await admin.deleteTopics({ topics: known.filter((topic) => topic.startsWith(events.name)) });
  await admin.disconnect();
});

const make = (topic: Topic) => ensureTopics(kafka, [topic]);

/** One record for each partition; `size` is that of the body. */
const publish = (topic: Topic, size = 10) =>
  unitOfWork.run(async (tx) =>
    tx.publish(
      Array.from({ length: topic.partitions }, (_, partition) => ({
        topic: topic.name,
        partition,
        key: 'k',
        body: Buffer.alloc(size),
        receivedAt: null,
        headers: { reason: 'rejected' },
      })),
    ),
  );

const ends = async (topic: Topic) =>
  (await admin.fetchTopicOffsets(topic.name)).map(({ high }) => Number(high));

test('a deleted dead-letter topic delays no event, and gets its records when it is back', async () => {
  await publish(letters);
  await waitFor(async () => (await ends(letters)).every((end) => end >= 1), {
    what: 'letters',
  });
  await admin.deleteTopics({ topics: [letters.name] });
  for (let round = 1; round <= 20; round++) {
    await publish(letters);
    await publish(events);
    await waitFor(async () => (await ends(events)).every((end) => end >= round), {
      what: `event ${round} of each partition`,
    });
  }
  await waitFor(() => relay.lanes[1]!.failing.length === 4, {
    what: 'the failing letters',
  });
  const health = relayHealth(relay);
  expect(health.ok).toBe(true);
  expect(health.detail).toContain(`${letters.name} partition 0 failed`);
  await make(letters);
  await waitFor(async () => (await ends(letters)).every((end) => end >= 20), {
    what: 'the letters on the new topic',
  });
  await waitFor(() => relay.lanes[1]!.failing.length === 0, { what: 'a healthy lane' });
});

test('a letter that the broker never takes is set aside; those behind it arrive', async () => {
  await publish(letters, 100);
  await publish(letters, 1_500_000);
  await publish(letters, 100);
  const arrived = async () => {
    const reached = await ends(letters);
    if (reached.every((end) => end >= 2)) return true;
    throw new Error(`${reached} are there; ${relayHealth(relay).detail}`);
  };
  await waitFor(arrived, { what: 'the letters' });
  await waitFor(() => relay.unsendable === 4, { what: 'the count' });
  expect(relayHealth(relay)).toEqual({
    ok: true,
    detail: expect.stringContaining('4 rows will never be sent'),
  });
});
