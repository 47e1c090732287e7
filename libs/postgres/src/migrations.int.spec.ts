import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { openDataSource } from './data-source.ts';
import { migrate } from './migrations.ts';
import { openTestDatabase, type TestDatabase } from './test-database.ts';

const environment = sharedEnvironment();
let database: TestDatabase;
let directory: string;

beforeAll(async () => {
  database = await openTestDatabase(environment().databaseUrl);
  directory = await mkdtemp(join(tmpdir(), 'slipstream-migrations-'));
});
afterAll(async () => {
  await database?.close();
  await rm(directory, { recursive: true, force: true });
});

test('instances that start together apply each file once; a changed file stops the start; a broken one leaves nothing', async () => {
  const folder = { scope: 'svc', directory };
  await writeFile(
    join(directory, '0001_first.sql'),
    'create table first (n int); insert into first values (1);',
  );
  await Promise.all([1, 2, 3].map(() => migrate(database.dataSource, [folder])));
  expect(await database.unitOfWork.query('select n from first')).toEqual([{ n: 1 }]);

  await writeFile(join(directory, '0002_broken.sql'), 'create table second (n int); select nonsense;');
  await expect(migrate(database.dataSource, [folder])).rejects.toThrow('svc/0002_broken.sql failed');
  expect(await database.unitOfWork.query("select to_regclass('second') as t")).toEqual([{ t: null }]);
  await rm(join(directory, '0002_broken.sql'));

  await writeFile(join(directory, '0001_first.sql'), 'create table first (n bigint);');
  await expect(migrate(database.dataSource, [folder])).rejects.toThrow('changed after it was applied');
});

test('a migration takes as long as it takes, and another instance waits for it', async () => {
  const slow = await mkdtemp(join(tmpdir(), 'slipstream-migrations-'));
  const impatient = await openDataSource({
    url: database.url,
    applicationName: 'svc',
    statementTimeoutMs: 200,
  });
  const sql = 'select pg_sleep(3); create table slow (n int); insert into slow values (1);';
  await writeFile(join(slow, '0001_slow.sql'), sql);
  try {
    // 3 s pass every limit of the pool: a statement 0.2 s, a silent answer 2.2 s.
    const folder = { scope: 'slow', directory: slow };
    await Promise.all([1, 2].map(() => migrate(impatient, [folder])));
    expect(await database.unitOfWork.query('select n from slow')).toEqual([{ n: 1 }]);
  } finally {
    await impatient.destroy();
    await rm(slow, { recursive: true, force: true });
  }
});
