import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { PgConsumerStore, type SourcePosition } from './consumer-store.ts';
import { openTestDatabase, record, type TestDatabase } from './test-database.ts';

const environment = sharedEnvironment();
let database: TestDatabase;
let store: PgConsumerStore;

beforeAll(async () => {
  database = await openTestDatabase(environment().databaseUrl);
  store = new PgConsumerStore(database.unitOfWork, () => record(0, 'dead'));
  await database.unitOfWork.query('create table effect (n int)');
});
afterAll(() => database?.close());

const advance = (nextOffset: number, sources: [string, SourcePosition][] = []) => ({
  nextOffset,
  sources: new Map(sources),
  deadLetters: [],
});

test('keeps offset, sources and effect in one transaction', async () => {
  const four = { incarnation: 1_800_000_000_000_123, sequence: 4, digests: [1, 0, 4_294_967_295] };
  const position = await store.claim('g1', 't', 0);
  expect(position).toMatchObject({ nextOffset: -1, epoch: 1 });
  await store.commit(position, advance(10, [['/a', four]]), async (tx) => {
    await tx.query('insert into effect values (1)');
  });
  const again = await store.claim('g1', 't', 0);
  expect(again).toMatchObject({ nextOffset: 10, epoch: 2, sources: new Map([['/a', four]]) });
  await expect(
    store.commit(again, advance(20), async (tx) => {
      await tx.query('insert into effect values (2)');
      throw new Error('boom');
    }),
  ).rejects.toThrow('boom');
  expect((await store.claim('g1', 't', 0)).nextOffset).toBe(10);
  expect(await database.unitOfWork.query('select n from effect')).toEqual([{ n: 1 }]);
});

test('an owner of an older epoch is fenced, also when it only works without moving', async () => {
  const old = await store.claim('g2', 't', 0);
  const now = await store.claim('g2', 't', 0);
  const never = async () => {
    throw new Error('must not run');
  };
  await expect(store.commit(old, advance(5), never)).rejects.toMatchObject({ name: 'FencedError' });
  await expect(store.commit(old, null, never)).rejects.toMatchObject({ name: 'FencedError' });
  await store.commit(now, null, async () => {});
});

test('of two commits from one position one wins', async () => {
  const position = await store.claim('g3', 't', 0);
  const results = await Promise.allSettled(
    [1, 2].map(() => store.commit(position, advance(7), async () => {})),
  );
  expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('a dead letter is stored, parks its key and is published, with the advance', async () => {
  const position = await store.claim('g4', 't', 2);
  const letter = {
    record: {
      offset: 3,
      key: Buffer.from('slip-1'),
      value: null,
      headers: { trace: Buffer.from('x'), long: Buffer.from([0, 7]) },
    },
    parkKey: 'slip-1',
    reason: 'failed',
    errorClass: 'TypeError',
    detail: 'why, with a NUL: \0',
    attempts: 3,
  };
  await store.commit(position, { ...advance(4), deadLetters: [letter] }, async () => {});
  expect((await store.claim('g4', 't', 2)).parkedKeys).toEqual(new Set(['slip-1']));
  const rows = await database.unitOfWork.query(
    'select kafka_offset, headers, detail, attempts from dead_letter where consumer_group = $1',
    ['g4'],
  );
  const headers = { trace: 'x', long: 'base64:AAc=' };
  expect(rows).toEqual([{ kafka_offset: '3', headers, detail: 'why, with a NUL: \uFFFD', attempts: 3 }]);
  expect(await database.unitOfWork.query("select 1 from outbox where key = 'dead'")).toHaveLength(1);
});
