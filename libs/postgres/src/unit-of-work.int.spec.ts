import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { int4, text } from './column-types.ts';
import { table } from './columns.ts';
import { openTestDatabase, record, type TestDatabase, testTopic } from './test-database.ts';
import type { Tx, UnitOfWork } from './unit-of-work.ts';

const environment = sharedEnvironment();
let database: TestDatabase;
let unitOfWork: UnitOfWork;

beforeAll(async () => {
  // One connection: whatever a transaction leaves behind meets the next.
  database = await openTestDatabase(environment().databaseUrl, 1);
  unitOfWork = database.unitOfWork;
  await unitOfWork.query('create table noted (n int primary key, what text)');
});
afterAll(() => database?.close());
beforeEach(async () => {
  await unitOfWork.query('truncate noted');
  await unitOfWork.query('truncate outbox');
});

const noted = table('noted', { n: int4, what: text });
const insert = 'insert into noted values ($1, $2)';
const rows = async () =>
  (await unitOfWork.query<{ n: number }>('select n from noted order by n')).map(({ n }) => n);
const published = async () => (await unitOfWork.query('select from outbox_event')).length;
const many = (from: number) => Array.from({ length: 100 }, (_, index) => ({ n: from + index, what: 'many' }));

test('statements that are not waited for happen in the order of the calls, COPY among them', async () => {
  const seen = await unitOfWork.run(async (tx) => {
    tx.send(insert, [1, 'one']);
    const copied = tx.insert(noted, many(100));
    const between = tx.query<{ n: number }>('select count(*)::int as n from noted');
    tx.send(insert, [2, 'two']);
    const copiedAgain = tx.insert(noted, many(200));
    const last = tx.query<{ n: number }>('select count(*)::int as n from noted');
    const counts = await Promise.all([between, last]);
    await Promise.all([copied, copiedAgain]);
    return counts.flat().map(({ n }) => n);
  });
  expect(seen).toEqual([101, 202]);
  expect(await rows()).toHaveLength(202);
});

const failing: readonly [string, (tx: Tx) => Promise<unknown>][] = [
  ['as the last', async (tx) => tx.send(insert, [1, 'again'])],
  [
    'before one that is waited for',
    async (tx) => {
      tx.send(insert, [1, 'again']);
      await tx.query('select 1');
    },
  ],
  [
    'before a COPY',
    async (tx) => {
      tx.send(insert, [1, 'again']);
      await tx.insert(noted, many(100));
    },
  ],
  [
    'before others that are not waited for either',
    async (tx) => {
      tx.send(insert, [1, 'again']);
      tx.send(insert, [3, 'three']);
    },
  ],
];

test.each(failing)(
  'one that fails %s fails the transaction with its own error, and nothing is kept',
  async (_, work) => {
    await unitOfWork.query(insert, [1, 'one']);
    let isCommitted = false;
    const failed = unitOfWork.run(async (tx) => {
      tx.send(insert, [2, 'two']);
      tx.publish([record(0, 'never')]);
      tx.afterCommit(() => {
        isCommitted = true;
      });
      await work(tx);
    });
    await expect(failed).rejects.toMatchObject({ code: '23505', query: insert });
    expect(await rows()).toEqual([1]);
    expect(await published()).toBe(0);
    expect(isCommitted).toBe(false);
    await unitOfWork.run(async (tx) => tx.send(insert, [9, 'the connection goes on']));
    expect(await rows()).toEqual([1, 9]);
  },
);

test('what the work itself throws is what the caller is told, whatever the database says besides', async () => {
  const failed = unitOfWork.run(async (tx) => {
    tx.send(insert, [1, 'one']);
    await tx.query('select 1 / 0').catch((cause: unknown) => {
      throw new Error('no division today', { cause });
    });
  });
  await expect(failed).rejects.toThrow('no division today');
  expect(await rows()).toEqual([]);
});

test('an error that was swallowed fails the transaction all the same', async () => {
  const failed = unitOfWork.run(async (tx) => {
    tx.send(insert, [1, 'one']);
    await tx.query('select 1 / 0').catch(() => {});
  });
  await expect(failed).rejects.toThrow('swallowed');
  expect(await rows()).toEqual([]);
});

test.each([1, 100])('%i events of which one has no sequencer row fail their transaction', async (count) => {
  const failed = unitOfWork.run(async (tx) => {
    tx.send(insert, [1, 'one']);
    tx.publish(Array.from({ length: count }, (_, n) => record(n % testTopic.partitions, `event ${n}`)));
    tx.publish([record(testTopic.partitions, 'of no partition')]);
  });
  await expect(failed).rejects.toThrow('no sequencer row');
  expect(await rows()).toEqual([]);
  expect(await published()).toBe(0);
});

test('work without a statement makes no transaction', async () => {
  const before = await commits();
  const asked = (await commits()) - before;
  expect(await unitOfWork.run(async () => 'nothing')).toBe('nothing');
  expect((await commits()) - before).toBe(2 * asked);
});

/** Of this database so far. */
async function commits(): Promise<number> {
  await unitOfWork.query('select pg_stat_force_next_flush()');
  const [row] = await unitOfWork.query<{ n: string }>(
    'select xact_commit as n from pg_stat_database where datname = current_database()',
  );
  return Number(row!.n);
}
