import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  cloudEventType,
  deadLetterTopic,
  encodeCloudEvent,
  sources,
  stampEnvelope,
  topics,
} from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import {
  BatchConsumer,
  type ConsumedRecord,
  createKafka,
  type DeadLetter,
  deadLetterRecord,
  ensureTopics,
  RecordRejected,
  readEach,
  SerialProducer,
  type Subscription,
} from '@slipstream/kafka';
import { SlipstreamError } from '@slipstream/kernel';
import {
  coreMigrations,
  DeadLetters,
  migrate,
  openDataSource,
  PgConsumerStore,
  prepareTopics,
  RedriveQueue,
  redrivesMax,
  type Tx,
  UnitOfWork,
} from '@slipstream/postgres';
import { waitFor } from '@slipstream/testing';
import { newId } from './new-id.ts';
import { Redriver } from './redriver.ts';

const environment = sharedEnvironment();
let service: ServiceUnderTest;

beforeEach(async () => {
  service = await ServiceUnderTest.start();
});
afterEach(() => service.stop());

const all = {};
const order = () => ({ id: newId(), by: 'sre-1', reason: 'the fault is mended', perSecond: 1_000 });

/** A consumer that writes each record's number to a table, its faults, and what redrives its dead letters. */
class ServiceUnderTest {
  /** Throws what the handler finds wrong with a record. */
  fault: (record: ConsumedRecord) => void = () => {};
  readonly topic = `runtime-spec-${randomUUID()}`;
  readonly unitOfWork: UnitOfWork;
  readonly letters: DeadLetters;
  readonly #store: PgConsumerStore<DeadLetter>;
  readonly #kafka = createKafka({
    brokers: environment().kafkaBrokers,
    clientId: 'runtime-spec',
    log: quiet,
  });
  readonly #producer = new SerialProducer(this.#kafka, { log: quiet });
  readonly consumer: BatchConsumer<Tx>;
  #redriver: Redriver;
  #sent = 0;

  static async start(): Promise<ServiceUnderTest> {
    const url = await createDatabase(environment().databaseUrl, 'runtime');
    const dataSource = await openDataSource({ url, applicationName: 'spec', poolMax: 6 });
    await migrate(dataSource, [coreMigrations]);
    const under = new ServiceUnderTest(dataSource);
    await under.#begin();
    return under;
  }

  private constructor(private readonly dataSource: Awaited<ReturnType<typeof openDataSource>>) {
    this.unitOfWork = new UnitOfWork(dataSource);
    this.#store = new PgConsumerStore(this.unitOfWork, deadLetterRecord);
    this.letters = new DeadLetters(this.unitOfWork, () => [this.topic]);
    const subscription: Subscription<Tx> = {
      topic: this.topic,
      group: 'spec',
      sequenced: true,
      setAside: async (tx, _partition, letters) => {
        await tx.query('insert into kept select unnest($1::bigint[])', [
          letters.map(({ record }) => record.offset),
        ]);
      },
      handle: async (tx, { records }) => {
        readEach(records, this.fault);
        for (const { key, sequence } of records) {
          await tx.query('insert into effect (slip, seq) values ($1, $2)', [key!.toString(), sequence]);
        }
      },
    };
    this.consumer = new BatchConsumer<Tx>({
      ...{ kafka: this.#kafka, store: this.#store, subscription, log: quiet },
      onFatal: (error) => {
        throw error;
      },
      options: { maxWaitMs: 50, attemptDelayMs: 1 },
    });
    this.#redriver = this.#newRedriver();
  }

  async #begin(): Promise<void> {
    await this.unitOfWork.query('create table effect (n bigserial, slip text, seq int, unique (slip, seq))');
    await this.unitOfWork.query('create table kept (at bigint primary key)');
    const events = { ...topics.events, name: this.topic, partitions: 1 };
    const dead = { ...events, name: deadLetterTopic(this.topic) };
    await prepareTopics(this.unitOfWork, [events, dead]);
    await ensureTopics(this.#kafka, [events, dead]);
    await this.consumer.start();
    await this.#redriver.start();
  }

  /** As a new process would do: what this one has seen is forgotten. */
  async upgrade(): Promise<void> {
    await this.#redriver.stop();
    this.#redriver = this.#newRedriver();
    await this.#redriver.start();
  }

  /** One record for each of the slips, in this order. */
  async send(slips: readonly string[]): Promise<void> {
    const time = '2026-11-22T10:39:00.123456Z';
    const type = cloudEventType('SlipSettled');
    const values = slips.map((slip) => {
      const head = { id: `e-${++this.#sent}`, source: sources.ledger, subject: slip, clock: 'wall', type };
      const stamp = { sequence: String(this.#sent), time, receivedTime: time };
      return {
        topic: this.topic,
        partition: 0,
        key: slip,
        value: stampEnvelope(encodeCloudEvent(head, Buffer.of()), stamp),
      };
    });
    await this.#producer.sendBatch(values);
  }

  async handled(): Promise<void> {
    await until(async () => this.consumer.positions().get(0)?.nextOffset === this.#sent, 'all is read');
  }

  async redrive(filter: Parameters<DeadLetters['redrive']>[0]): Promise<void> {
    const asked = order();
    await this.letters.redrive(filter, 1_000, asked);
    this.#redriver.wake();
    await until(async () => (await this.letters.redriveOf(asked.id))!.waiting === 0, 'the redrive is over');
  }

  wake(): void {
    this.#redriver.wake();
  }

  /** `slip: numbers`, in the order of their effects. */
  async effects(): Promise<Record<string, number[]>> {
    const rows = await this.unitOfWork.query<{ slip: string; seq: number }>(
      'select slip, seq from effect order by n',
    );
    return Object.fromEntries(
      Object.entries(Object.groupBy(rows, ({ slip }) => slip)).map(([slip, of]) => [
        slip,
        of!.map(({ seq }) => seq),
      ]),
    );
  }

  async open(): Promise<string[]> {
    const { letters } = await this.letters.list({ status: 'parked' }, 1_000, null);
    return letters.map(({ reason, offset }) => `${reason} ${offset}`);
  }

  async stop(): Promise<void> {
    await this.#redriver.stop();
    await this.consumer.stop();
    await this.#producer.stop();
    const admin = this.#kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [this.topic, deadLetterTopic(this.topic)] });
    await admin.disconnect();
    await this.dataSource.destroy();
  }

  #newRedriver(): Redriver {
    return new Redriver({
      consumers: () => [this.consumer],
      queue: new RedriveQueue(this.unitOfWork),
      store: this.#store,
      newId,
      log: () => {},
      onError: () => {},
      everyMs: 50,
    });
  }
}

const quiet = { info() {}, warn() {}, error() {} };

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  await waitFor(condition, { what });
}

const slipsNamed = (count: number) => Array.from({ length: count }, (_, i) => `slip-${i}`);
const reject = (record: ConsumedRecord) => {
  throw new RecordRejected(record, 'the reader has a bug');
};

test('87 slips parked by a fault are previewed, redriven in order, and flow again', async () => {
  const slips = slipsNamed(100);
  const isHit = (slip: string) => Number(slip.slice(5)) < 87;
  service.fault = (record) => {
    if (isHit(record.key!.toString())) reject(record);
  };
  await service.send(slips);
  await service.send(slips);
  await service.handled();
  expect(Object.keys(await service.effects())).toHaveLength(13);
  expect(service.consumer.parkedKeys()).toBe(87);
  // The consumer was told of each in the transaction that stored it.
  expect(await service.unitOfWork.query('select 1 from kept')).toHaveLength(174);
  expect(await service.letters.waiting()).toEqual([
    { topic: service.topic, reason: 'parked_behind', letters: 87, slips: 87 },
    { topic: service.topic, reason: 'rejected', letters: 87, slips: 87 },
  ]);
  service.fault = () => {};
  const preview = await service.letters.preview(all, 1_000);
  expect(preview).toMatchObject({ slips: 87, letters: 174, exhausted: 0 });
  expect(preview.byReason).toEqual([
    { reason: 'rejected', letters: 87 },
    { reason: 'parked_behind', letters: 87 },
  ]);
  expect(await service.letters.preview({ slip: 'slip-3' }, 10)).toMatchObject({ slips: 1, letters: 2 });
  await service.redrive(all);
  await service.send(slips);
  await service.handled();
  const effects = await service.effects();
  expect(effects).toEqual(Object.fromEntries(slips.map((slip, i) => [slip, [i + 1, i + 101, i + 201]])));
  expect(service.consumer.parkedKeys()).toBe(0);
  expect(await service.unitOfWork.query('select 1 from parked_key')).toEqual([]);
  expect(await service.open()).toEqual([]);
});

test('redriving twice at once changes nothing twice', async () => {
  service.fault = reject;
  await service.send(['a', 'a', 'b']);
  await service.handled();
  service.fault = () => {};
  await Promise.all([service.redrive(all), service.redrive(all)]);
  expect(await service.effects()).toEqual({ a: [1, 2], b: [3] });
});

test('a letter that fails again goes back, what waits behind it waits on, and tries are counted and capped', async () => {
  service.fault = ({ sequence }) => {
    if (sequence === 2) throw new TypeError('a bug for number 2');
  };
  await service.send(['a', 'a', 'a', 'b']);
  await service.handled();
  expect(await service.open()).toEqual(['failed 1', 'parked_behind 2']);
  for (let n = 1; n <= redrivesMax; n++) {
    await service.redrive({ slip: 'a' });
    const [first] = (await service.letters.list(all, 1, null)).letters;
    expect(first).toMatchObject({ status: 'parked', redrives: n, attempts: 3 + n, errorClass: 'TypeError' });
  }
  expect(await service.open()).toEqual(['failed 1', 'parked_behind 2']);
  expect(await service.letters.preview(all, 10)).toMatchObject({ slips: 0, letters: 0, exhausted: 1 });
  expect(await service.effects()).toEqual({ a: [1], b: [4] });
});

test('a fault in the middle of what waits leaves exactly what was before it', async () => {
  service.fault = reject;
  await service.send(['a', 'a', 'a', 'a']);
  await service.handled();
  service.fault = (record) => {
    if (record.sequence === 3) reject(record);
  };
  await service.redrive(all);
  expect(await service.effects()).toEqual({ a: [1, 2] });
  expect(await service.open()).toEqual(['rejected 2', 'parked_behind 3']);
  service.fault = () => {};
  await service.redrive(all);
  expect(await service.effects()).toEqual({ a: [1, 2, 3, 4] });
});

test('dismissing a letter lets what waits behind it go on; one that only waits cannot be dismissed', async () => {
  service.fault = ({ sequence }) => {
    if (sequence === 1) throw new TypeError('never');
  };
  await service.send(['a', 'a', 'a']);
  await service.handled();
  const { letters } = await service.letters.list(all, 10, null);
  await expect(service.letters.dismiss(letters[1]!.id, order())).rejects.toMatchObject({ code: 'conflict' });
  await expect(service.letters.dismiss('999', order())).rejects.toMatchObject({ code: 'not_found' });
  expect(await service.letters.dismiss(letters[0]!.id, order())).toEqual({ released: 2 });
  service.wake();
  await until(async () => service.consumer.parkedKeys() === 0, 'the slip goes on');
  await service.send(['a']);
  await service.handled();
  expect(await service.effects()).toEqual({ a: [2, 3, 4] });
  await expect(service.letters.dismiss(letters[0]!.id, order())).rejects.toMatchObject({ code: 'conflict' });
  const audit = await service.unitOfWork.query('select action, requested_by, reason, letters from redrive');
  expect(audit).toEqual([
    { action: 'dismiss', requested_by: 'sre-1', reason: 'the fault is mended', letters: 1 },
  ]);
});

test('what a newer release wrote waits, is not dismissed, and is read by itself when such a release takes over', async () => {
  service.fault = (record) => {
    if (record.sequence !== 2) return;
    const cause = new SlipstreamError('too_new', 'unknown value 9');
    throw new RecordRejected(record, cause.detail, { cause });
  };
  await service.send(['a', 'a', 'a', 'b']);
  await service.handled();
  expect(await service.open()).toEqual(['too_new 1', 'parked_behind 2']);
  const { letters } = await service.letters.list(all, 1, null);
  await expect(service.letters.dismiss(letters[0]!.id, order())).rejects.toMatchObject({ code: 'conflict' });

  // The same release starts again: it tries, and that is not held against the letter.
  await service.upgrade();
  const upgrades = () => service.unitOfWork.query("select 1 from redrive where action = 'upgrade'");
  await until(async () => (await upgrades()).length === 1, 'it was tried');
  await until(async () => (await service.letters.one(letters[0]!.id))!.attempts === 2, 'it went back');
  expect(await service.letters.one(letters[0]!.id)).toMatchObject({
    reason: 'too_new',
    redrives: 0,
    status: 'parked',
  });

  service.fault = () => {};
  await service.upgrade();
  await until(async () => service.consumer.parkedKeys() === 0, 'the slip goes on');
  expect(await service.effects()).toEqual({ a: [1, 2, 3], b: [4] });
});

test('a stranger’s record is never handled, whoever asks', async () => {
  await service.send(['a']);
  await service.handled();
  await service.unitOfWork.query(
    `insert into dead_letter (consumer_group, topic, partition, kafka_offset, key, value, headers, reason, error_class, detail, attempts)
     values ('spec', $1, 0, 77, 'a', 'x', '{}', 'stranger', 'stranger', 'who', 1)`,
    [service.topic],
  );
  const [letter] = (await service.letters.list(all, 1, null)).letters;
  expect(await service.letters.preview(all, 10)).toMatchObject({ letters: 0 });
  await service.redrive({ ids: [letter!.id] });
  expect(await service.open()).toEqual(['stranger 77']);
  expect(await service.letters.dismiss(letter!.id, order())).toEqual({ released: 0 });
  expect(await service.open()).toEqual([]);
});

test('a record with too many headers is never handled, though it stands alone: all but the first were left out', async () => {
  const inbound = new DeadLetters(service.unitOfWork, () => []);
  const put = (offset: number, headersRaw: Buffer | null) =>
    service.unitOfWork.query(
      `insert into dead_letter (consumer_group, topic, partition, kafka_offset, key, value, headers, reason, error_class, detail, attempts, headers_raw)
       values ('spec', 'inbound', 0, $1, 'a', 'x', '{}', 'rejected', 'some', 'why', 1, $2)`,
      [offset, headersRaw],
    );
  await put(1, Buffer.from('all of them'));
  expect(await inbound.preview({ topic: 'inbound' }, 10)).toMatchObject({ letters: 0 });
  await put(2, null);
  expect(await inbound.preview({ topic: 'inbound' }, 10)).toMatchObject({ letters: 1 });
});
