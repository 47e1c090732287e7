import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { openDataSource } from './data-source.ts';
import { coreMigrations, migrate } from './migrations.ts';
import { prepareTopics } from './prepare.ts';
import { openTestDatabase, record, type TestDatabase, testTopic } from './test-database.ts';
import { UnitOfWork } from './unit-of-work.ts';

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

test('an outbox that a release without shared rows filled is read as it was, and goes on', async () => {
  const before = await mkdtemp(join(tmpdir(), 'slipstream-migrations-'));
  const url = await createDatabase(environment().databaseUrl, 'postgres_lib_upgrade');
  const dataSource = await openDataSource({ url, applicationName: 'svc' });
  try {
    for (const name of await readdir(coreMigrations.directory)) {
      if (name < '0017') await copyFile(join(coreMigrations.directory, name), join(before, name));
    }
    await migrate(dataSource, [{ scope: 'core', directory: before }]);
    const unitOfWork = new UnitOfWork(dataSource);
    await prepareTopics(unitOfWork, [testTopic]);
    await unitOfWork.query(
      `select append_events(array_fill($1::text, '{5}'), '{1,0,1,1,0}', '{a,b,null,d,e}', $2::bytea[], $3::timestamptz[], $4::jsonb[])`,
      [
        testTopic.name,
        [...'abcde'].map((body) => Buffer.from(body)),
        [null, null, '2026-01-01T00:00:00Z', null, null],
        [null, null, null, '{"x":"y"}', null],
      ],
    );
    await unitOfWork.query("update outbox set received_at = null where body = 'a'");
    const columns = 'topic, partition, seq, at, received_at, key, headers, body';
    const read = (from: string) =>
      unitOfWork.query<{ body: Buffer }>(`select ${columns} from ${from} order by partition, seq`);
    const filled = await read('outbox');
    await migrate(dataSource, [coreMigrations]);
    expect(await read('outbox_event')).toEqual(filled);
    await unitOfWork.run(async (tx) => tx.publish([record(1, 'f'), record(1, 'g')]));
    const now = await read('outbox_event');
    expect(now.slice(0, filled.length)).toEqual(filled);
    expect(now.slice(filled.length)).toMatchObject([
      { partition: 1, seq: '4', body: Buffer.from('f') },
      { partition: 1, seq: '5', body: Buffer.from('g') },
    ]);
    expect(await read('outbox')).toHaveLength(filled.length + 1);
  } finally {
    await dataSource.destroy();
    await rm(before, { recursive: true, force: true });
  }
});
