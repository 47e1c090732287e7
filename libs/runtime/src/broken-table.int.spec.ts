import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { encodeSlipEvent, sourceOf, stampEnvelope, type Topic, topics } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import {
  BatchConsumer,
  createKafka,
  deadLetterRecord,
  ensureTopics,
  type KafkaClient,
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

const environment = sharedEnvironment();
const quiet = { info() {}, warn() {}, error() {} };
const partitions = 2;

let topic: Topic;
let kafka: KafkaClient;
let producer: SerialProducer;
let dataSource: Awaited<ReturnType<typeof openDataSource>>;
let unitOfWork: UnitOfWork;
let consumer: BatchConsumer<Tx>;
let sent = 0;

beforeEach(async () => {
  sent = 0;
  topic = { ...topics.events, name: `broken-table-${randomUUID()}`, partitions };
  kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'spec', log: quiet });
  await ensureTopics(kafka, [topic]);
  producer = new SerialProducer(kafka, { log: quiet });
  const url = await createDatabase(environment().databaseUrl, 'broken_table');
  dataSource = await openDataSource({ url, applicationName: 'spec' });
  await migrate(dataSource, [coreMigrations]);
  unitOfWork = new UnitOfWork(dataSource);
  await unitOfWork.query('create table effect (kafka_offset int, partition int)');
  consumer = new BatchConsumer({
    ...{ kafka, log: quiet, store: new PgConsumerStore(unitOfWork, deadLetterRecord) },
    onFatal: () => {},
    options: { maxWaitMs: 100, attemptDelayMs: 5 },
    subscription: {
      ...{ topic: topic.name, group: topic.name, sequenced: true },
      async handle(tx, { records, partition }) {
        const offsets = records.map(({ offset }) => offset);
        await tx.query('insert into effect select o, $2 from unnest($1::int[]) as o', [offsets, partition]);
      },
    },
  });
});
afterEach(async () => {
  await consumer.stop();
  await producer.stop();
  await dataSource.destroy();
});

/** The next event of both partitions, each of another slip. */
async function send(): Promise<void> {
  sent += 1;
  const records = Array.from({ length: partitions }, (_, partition) => {
    const key = randomUUID();
    const head = { id: randomUUID(), source: sourceOf('SlipRefunded'), subject: key, clock: 'wall' };
    const body = encodeSlipEvent(head, {
      type: 'SlipRefunded',
      data: { transaction: null, reason: 'rejected' },
    });
    const time = '2026-11-22T10:39:00.123456Z';
    const value = stampEnvelope(body, { sequence: String(sent), time, receivedTime: time });
    return { topic: topic.name, partition, key, value };
  });
  await producer.sendBatch(records);
}

const count = async (table: string): Promise<number> =>
  Number((await unitOfWork.query<{ n: string }>(`select count(*) as n from ${table}`))[0]!.n);
const until = (condition: () => boolean | Promise<boolean>, what: string) => waitFor(condition, { what });

it('sets nothing aside while a table is missing, says so, and handles everything once it is there again', async () => {
  await consumer.start();
  for (let i = 0; i < 10; i++) await send();
  await until(async () => (await count('effect')) === partitions * 10, 'the first handled');
  await unitOfWork.query('alter table effect rename to gone');
  await until(async () => {
    await send();
    return !consumer.health().ok;
  }, 'health told, under load');
  expect(consumer.health().problems.join()).toMatch(
    /partition \d waiting: .*relation "effect" does not exist/,
  );
  expect(await count('dead_letter')).toBe(0);
  await unitOfWork.query('alter table gone rename to effect');
  await until(async () => (await count('effect')) === partitions * sent, 'everything handled');
  await until(() => consumer.health().ok, 'health told again');
  expect(await count('(select distinct * from effect) as one')).toBe(partitions * sent);
  expect(await count('dead_letter')).toBe(0);
});
