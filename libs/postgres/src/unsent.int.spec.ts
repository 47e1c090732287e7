import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { poolUse } from './pool-use.ts';
import { openTestDatabase, record, type TestDatabase, testTopic } from './test-database.ts';
import { readUnsent } from './unsent.ts';

const environment = sharedEnvironment();
let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase(environment().databaseUrl);
});
afterAll(() => database?.close());

const unsent = async () =>
  (await readUnsent(database.unitOfWork)).find(({ topic }) => topic === testTopic.name)!;
const sent = (seq: number) =>
  database.unitOfWork.query('update relay set sent_seq = $2 where topic = $1 and partition = 0', [
    testTopic.name,
    seq,
  ]);

test('what was committed and not sent is counted, with the age of the oldest', async () => {
  expect(await unsent()).toMatchObject({ rows: 0, ageSeconds: 0 });
  await database.unitOfWork.run(async (tx) => tx.publish([record(0, 'a'), record(0, 'b'), record(1, 'c')]));
  const all = await unsent();
  expect(all.rows).toBe(3);
  expect(all.ageSeconds).toBeGreaterThan(0);
  await sent(1);
  expect((await unsent()).rows).toBe(2);
  await database.unitOfWork.query('update relay set sent_seq = 2 where topic = $1', [testTopic.name]);
  expect(await unsent()).toMatchObject({ rows: 0, ageSeconds: 0 });
});

test('a pool tells who has its connections, and who waits', async () => {
  const one = await openTestDatabase(environment().databaseUrl, 1);
  try {
    await one.unitOfWork.run(async (tx) => {
      await tx.query('select 1');
      const second = one.unitOfWork.query('select 2');
      expect(poolUse(one.dataSource)).toEqual({ busy: 1, idle: 0, waiting: 1 });
      void second.catch(() => {});
    });
    await one.unitOfWork.query('select 3');
    expect(poolUse(one.dataSource)).toEqual({ busy: 0, idle: 1, waiting: 0 });
  } finally {
    await one.close();
  }
});
