import { type Topic, topics } from '@slipstream/contracts';
import { createDatabase } from '@slipstream/environment';
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
  prepareTopics,
  Relay,
  type Tx,
  UnitOfWork,
} from '@slipstream/postgres';
import { waitFor } from '@slipstream/testing';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import type { BenchEvent } from './generator.ts';
import { type Sample, timed } from './measure.ts';

/** Real servers, and a name that no other round uses. */
export interface Bench {
  readonly brokers: readonly string[];
  readonly databaseUrl: string;
  readonly round: number;
}

/** What is sent as it is. */
export interface Produced {
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer;
}

const batchSize = 1_000;
const waitMs = 300_000;

function benchTopic(name: string): Topic {
  return { ...topics.events, name };
}

export function rawKafka(bench: Bench): Kafka {
  return new Kafka({ brokers: [...bench.brokers], clientId: 'bench', logLevel: logLevel.NOTHING });
}

/** The limit for everything that sends: kafkajs, 1,000 records a request, four requests in flight, acks=all. */
export async function rawProduce(bench: Bench, records: readonly Produced[], name: string): Promise<Sample> {
  await ensureTopics(createKafka({ brokers: bench.brokers, clientId: 'bench' }), [benchTopic(name)]);
  return produce(bench, records, name);
}

/** As {@link rawProduce}, to a topic that is there. */
export async function produce(bench: Bench, records: readonly Produced[], topic: string): Promise<Sample> {
  const producer = rawKafka(bench).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    return await timed(records.length, async () => {
      let next = 0;
      const sender = async () => {
        while (next < records.length) {
          const batch = records.slice(next, next + batchSize);
          next += batchSize;
          await producer.send({
            topic,
            acks: -1,
            compression: CompressionTypes.None,
            messages: batch.map(({ key, value, partition }) => ({ key, value, partition })),
          });
        }
      };
      await Promise.all([sender(), sender(), sender(), sender()]);
    });
  } finally {
    await producer.disconnect();
  }
}

/** The limit for everything that reads: kafkajs eachBatch that only counts. */
export async function rawConsume(bench: Bench, topic: string, count: number): Promise<Sample> {
  const consumer = rawKafka(bench).consumer({ groupId: `raw-${bench.round}-${topic}`, maxWaitTimeInMs: 300 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let seen = 0;
  let started = 0;
  const done = Promise.withResolvers<void>();
  try {
    return await timedFrom(
      count,
      () => started,
      async () => {
        await consumer.run({
          eachBatch: async ({ batch }) => {
            started ||= performance.now();
            seen += batch.messages.length;
            if (seen >= count) done.resolve();
          },
        });
        await done.promise;
      },
    );
  } finally {
    await consumer.disconnect();
  }
}

/** The limit for everything that writes rows: `INSERT … SELECT FROM unnest`, 1,000 a statement, four connections. */
export async function rawUnnest(bench: Bench, events: readonly BenchEvent[]): Promise<Sample> {
  const url = await createDatabase(bench.databaseUrl, `raw_${bench.round}`);
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  await pool.query(
    'create table raw (partition int not null, seq bigint not null, at timestamptz not null, key text, body bytea not null, primary key (partition, seq))',
  );
  const insert =
    'insert into raw select p, s, now(), k, b from unnest($1::int[], $2::bigint[], $3::text[], $4::bytea[]) as u(p, s, k, b)';
  const seqs = numbered(events);
  try {
    return await timed(events.length, () =>
      inParallel(byConnection(events), async (batch) => {
        await pool.query(insert, [
          batch.map((event) => event.partition),
          batch.map((event) => seqs.get(event)!),
          batch.map((event) => event.key),
          batch.map((event) => event.value),
        ]);
      }),
    );
  } finally {
    await pool.end();
  }
}

export interface Appended {
  readonly sample: Sample;
  readonly unitOfWork: UnitOfWork;
  readonly topic: Topic;
  close(): Promise<void>;
}

/** Appending through the unit of work, the sequencer and the outbox, in the same batches over as many connections. */
export async function append(bench: Bench, events: readonly BenchEvent[]): Promise<Appended> {
  const topic = benchTopic(`bench.relay.${bench.round}`);
  await ensureTopics(createKafka({ brokers: bench.brokers, clientId: 'bench' }), [topic]);
  const url = await createDatabase(bench.databaseUrl, `append_${bench.round}`);
  const dataSource = await openDataSource({ url, applicationName: 'bench', poolMax: 8 });
  await migrate(dataSource, [coreMigrations]);
  const unitOfWork = new UnitOfWork(dataSource);
  await prepareTopics(unitOfWork, [topic]);
  const sample = await timed(events.length, () =>
    inParallel(byConnection(events), (batch) =>
      unitOfWork.run(async (tx) =>
        tx.publish(
          batch.map((event) => ({
            topic: topic.name,
            partition: event.partition,
            key: event.key,
            body: event.value,
            receivedAt: null,
          })),
        ),
      ),
    ),
  );
  return { sample, unitOfWork, topic, close: () => dataSource.destroy() };
}

/** The relay with everything on: leases, fenced cursor, idempotent producer, acks=all. */
export async function relay(bench: Bench, { unitOfWork, topic }: Appended, count: number): Promise<Sample> {
  const producer = new SerialProducer(createKafka({ brokers: bench.brokers, clientId: 'bench' }));
  await producer.start();
  const lane = { name: 'bench', topics: [topic.name], connect: () => producer };
  const relaying = new Relay(unitOfWork, { instanceId: 'bench', lanes: [lane] });
  try {
    return await timed(count, async () => {
      await relaying.start();
      await waitFor(async () => (await sum(unitOfWork, 'select sum(sent_seq) as n from relay')) >= count, {
        timeoutMs: waitMs,
        what: 'the relay',
        intervalMs: 20,
      });
    });
  } finally {
    await relaying.stop();
  }
}

/** The batch consumer runner with an empty handler; offsets, epochs and `seq` in PostgreSQL. */
export async function runner(bench: Bench, topic: string, count: number): Promise<Sample> {
  const url = await createDatabase(bench.databaseUrl, `runner_${bench.round}`);
  const dataSource = await openDataSource({ url, applicationName: 'bench', poolMax: 8 });
  await migrate(dataSource, [coreMigrations]);
  const unitOfWork = new UnitOfWork(dataSource);
  const kafka = createKafka({ brokers: bench.brokers, clientId: 'bench' });
  let handled = 0;
  let started = 0;
  const done = Promise.withResolvers<void>();
  const consumer = new BatchConsumer<Tx>({
    kafka,
    store: new PgConsumerStore(unitOfWork, deadLetterRecord),
    subscription: {
      topic,
      group: `runner-${bench.round}`,
      sequenced: true,
      handle: async () => {
        started ||= performance.now();
      },
    },
    onFatal: (error) => done.reject(error),
    metrics: {
      batchHandled: (_topic, _partition, records) => {
        handled += records;
        if (handled >= count) done.resolve();
      },
    },
  });
  try {
    return await timedFrom(
      count,
      () => started,
      async () => {
        await consumer.start();
        await done.promise;
      },
    );
  } finally {
    await consumer.stop();
    await dataSource.destroy();
  }
}

/** As {@link timed}, but the clock starts with the first record: joining a group is not what is measured. */
async function timedFrom(items: number, startedMs: () => number, work: () => Promise<void>): Promise<Sample> {
  const sample = await timed(items, work);
  return { ...sample, seconds: (performance.now() - startedMs()) / 1000 };
}

function numbered(events: readonly BenchEvent[]): Map<BenchEvent, number> {
  const next = new Map<number, number>();
  return new Map(
    events.map((event) => {
      const seq = (next.get(event.partition) ?? 0) + 1;
      next.set(event.partition, seq);
      return [event, seq];
    }),
  );
}

/** Four lists, each with partitions of its own, as consumers have them. */
function byConnection(events: readonly BenchEvent[]): BenchEvent[][] {
  const lists: BenchEvent[][] = [[], [], [], []];
  for (const event of events) lists[event.partition % 4]!.push(event);
  return lists;
}

async function inParallel(
  lists: BenchEvent[][],
  write: (batch: BenchEvent[]) => Promise<unknown>,
): Promise<void> {
  await Promise.all(
    lists.map(async (list) => {
      for (let at = 0; at < list.length; at += batchSize) await write(list.slice(at, at + batchSize));
    }),
  );
}

async function sum(unitOfWork: UnitOfWork, sql: string): Promise<number> {
  const [row] = await unitOfWork.query<{ n: string | null }>(sql);
  return Number(row?.n ?? 0);
}
