import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { type DeadLetter, deadLetterRecord } from '@slipstream/kafka';
import { describeConsumerStore } from '../../kafka/src/test-support/consumer-store-suite.ts';
import { PgConsumerStore } from './consumer-store.ts';
import { prepareTopics } from './prepare.ts';
import { openTestDatabase, type TestDatabase, testTopic } from './test-database.ts';
import type { Tx } from './unit-of-work.ts';

const environment = sharedEnvironment();
let database: TestDatabase;
let store: PgConsumerStore<DeadLetter>;

beforeAll(async () => {
  database = await openTestDatabase(environment().databaseUrl);
  await prepareTopics(database.unitOfWork, [{ ...testTopic, name: 't.dlq' }]);
  store = new PgConsumerStore(database.unitOfWork, deadLetterRecord);
  await database.unitOfWork.query('create table effect (text text)');
});
afterAll(() => database?.close());

describeConsumerStore<Tx>('PostgreSQL', () => ({
  store,
  write: async (tx, effect) => void (await tx.query('insert into effect values ($1)', [effect])),
  effects: async () =>
    (await database.unitOfWork.query<{ text: string }>('select text from effect')).map(({ text }) => text),
  letters: async (group) => {
    const sql = 'select reason from dead_letter where consumer_group = $1 order by kafka_offset';
    return (await database.unitOfWork.query<{ reason: string }>(sql, [group])).map(({ reason }) => reason);
  },
}));

test('a fenced owner’s work does not even begin', async () => {
  const old = await store.claim('g2', 't', 0, null);
  await store.claim('g2', 't', 0, null);
  const never = async () => {
    throw new Error('must not run');
  };
  const advance = { nextOffset: 5, sources: new Map(), deadLetters: [] };
  await expect(store.commit(old, advance, never)).rejects.toMatchObject({ name: 'FencedError' });
  await expect(store.commit(old, null, never)).rejects.toMatchObject({ name: 'FencedError' });
});

test('units over the same partitions wait for each other, and never in a ring', async () => {
  const partitions = Array.from({ length: 12 }, (_, partition) => partition);
  for (let round = 0; round < 20; round++) {
    const positions = await Promise.all(
      partitions.map((partition) => store.claim('g6', 't', partition, null)),
    );
    const unit = (of: typeof positions) =>
      store.commitUnit(
        of.map((position) => ({
          position,
          advance: { nextOffset: position.nextOffset + 1, sources: new Map(), deadLetters: [] },
        })),
        async () => {},
      );
    const ends = await Promise.allSettled(
      [positions, positions.toReversed(), positions.slice(3), positions.slice(5).toReversed()].map(unit),
    );
    // One of them has them all, or two have parts that the others want, too.
    for (const end of ends) {
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ name: 'FencedError' });
    }
    expect(ends.some(({ status }) => status === 'fulfilled')).toBe(true);
  }
});

test('digests that a release before this one wrote last are read in their order', async () => {
  const at = (sequence: number, digests: number[]) => ({ incarnation: 1, sequence, digests });
  const claimed = await store.claim('g5', 't', 0, null);
  const advance = { nextOffset: 1, sources: new Map([['/a', at(7, [6, 7])]]), deadLetters: [] };
  await store.commit(claimed, advance, async () => {});
  await database.unitOfWork.query(
    `update consumer_sequence set seq = 8, digests = $1 where consumer_group = 'g5'`,
    [Buffer.from([0, 0, 0, 70, 0, 0, 0, 80])],
  );
  expect((await store.claim('g5', 't', 0, null)).sources).toEqual(new Map([['/a', at(8, [70, 80])]]));
});

test('a dead letter’s row has all of it, and its copy is published with the advance', async () => {
  const position = await store.claim('g4', 't', 2, null);
  const headers = { trace: Buffer.from('x'), twice: ['1', '2'], odd: Buffer.from([0, 7]) };
  const record = {
    ...{ topic: 't', partition: 2, offset: 3, timestampMs: 1_795_343_940_123, source: '', sequence: -1 },
    ...{ key: Buffer.from('slip-1'), value: null, headers },
  };
  const letter: DeadLetter = {
    ...{ record, parkKey: 'slip-1', reason: 'failed', errorClass: 'TypeError', attempts: 3 },
    ...{ detail: 'why, with a NUL: \0', headersRaw: Buffer.of(0, 255) },
  };
  await store.commit(position, { nextOffset: 4, sources: new Map(), deadLetters: [letter] }, async () => {});
  const rows = await database.unitOfWork.query(
    'select kafka_offset, record_time, status, headers, headers_raw, detail, attempts from dead_letter where consumer_group = $1',
    ['g4'],
  );
  expect(rows).toEqual([
    {
      kafka_offset: '3',
      record_time: '2026-11-22T10:39:00.123000Z',
      status: 'parked',
      headers: { trace: 'x', twice: ['1', '2'], odd: 'base64:AAc=' },
      headers_raw: Buffer.of(0, 255),
      detail: 'why, with a NUL: \uFFFD',
      attempts: 3,
    },
  ]);
  const copies = await database.unitOfWork.query(
    "select partition, key, headers ->> 'dlq-original-offset' as at from outbox where topic = 't.dlq' and headers ->> 'dlq-consumer-group' = 'g4'",
  );
  expect(copies).toEqual([{ partition: 2, key: 'slip-1', at: '3' }]);
});
