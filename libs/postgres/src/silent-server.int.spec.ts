import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { startTcpProxy, type TcpProxy } from '@slipstream/testing';
import type { DataSource } from 'typeorm';
import { int4 } from './column-types.ts';
import { table } from './columns.ts';
import { openDataSource } from './data-source.ts';
import { isTransient } from './transient.ts';
import { UnitOfWork } from './unit-of-work.ts';

const environment = sharedEnvironment();
let proxy: TcpProxy;
let dataSource: DataSource;
let unitOfWork: UnitOfWork;

beforeEach(async () => {
  const url = new URL(await createDatabase(environment().databaseUrl, 'silent'));
  proxy = await startTcpProxy(Number(url.port));
  url.port = String(proxy.port);
  const options = { url: url.href, applicationName: 'silent', poolMax: 6, statementTimeoutMs: 500 };
  dataSource = await openDataSource(options);
  unitOfWork = new UnitOfWork(dataSource);
});
afterEach(async () => {
  await dataSource.destroy();
  await proxy.close();
});

const ask = () => unitOfWork.query<{ one: number }>('select 1 as one');

/** Fills the pool: each of `count` transactions waits for all the others. */
async function fill(count: number): Promise<void> {
  const all = Promise.withResolvers<void>();
  let inside = 0;
  const meet = async () => {
    if (++inside === count) all.resolve();
    await all.promise;
  };
  await Promise.all(
    Array.from({ length: count }, () =>
      unitOfWork.run(async (tx) => {
        await tx.query('select 1');
        await meet();
      }),
    ),
  );
}

test('a connection that timed out is not used again, and takes its silent idle neighbours with it', async () => {
  await fill(6);
  const before = proxy.connections;
  expect(before).toBe(6);
  proxy.silence();
  const failure = await ask().catch((error) => error);
  expect(failure).toMatchObject({ message: expect.stringContaining('Query read timeout') });
  expect(isTransient(failure)).toBe(true);
  // Not the first of six timeouts: the next one asks over a connection of its own.
  expect(await ask()).toEqual([{ one: 1 }]);
  expect(proxy.connections).toBe(before + 1);
  await fill(6);
  expect(proxy.connections).toBe(before + 6);
});

test('a transaction in its middle ends with an error that is waited out, and the pool has all its places again', async () => {
  let silenced = 0;
  const runs = Array.from({ length: 6 }, () =>
    unitOfWork.run(async (tx) => {
      await tx.query('select 1');
      silenced++;
      while (silenced < 6) await tx.query('select 1');
      proxy.silence();
      await tx.query('select 1');
    }),
  );
  const results = await Promise.allSettled(runs);
  for (const result of results) {
    expect(result.status).toBe('rejected');
    expect(isTransient((result as PromiseRejectedResult).reason)).toBe(true);
  }
  await fill(6);
});

test('an error that the server tells costs no connection', async () => {
  await fill(6);
  const before = proxy.connections;
  await expect(unitOfWork.query('select nonsense')).rejects.toThrow('nonsense');
  await expect(unitOfWork.query('select pg_sleep(5)')).rejects.toThrow('statement timeout');
  await fill(6);
  expect(proxy.connections).toBe(before);
});

test('neither is one that fell silent in the middle of a COPY', async () => {
  await unitOfWork.query('create table silent (n int not null)');
  const rows = Array.from({ length: 1_000 }, (_, n) => ({ n }));
  const target = table('silent', { n: int4 });
  const failure = await unitOfWork
    .run(async (tx) => {
      await tx.query('select 1');
      proxy.silence();
      await tx.insert(target, rows);
    })
    .catch((error) => error);
  expect(failure).toMatchObject({ message: expect.stringContaining('Query read timeout') });
  await unitOfWork.run((tx) => tx.insert(target, rows));
  expect(await unitOfWork.query('select count(*)::int as n from silent')).toEqual([{ n: 1_000 }]);
});
