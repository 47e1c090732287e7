import type { Topic } from '@slipstream/contracts';
import { createDatabase } from '@slipstream/environment';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { openDataSource } from './data-source.ts';
import { coreMigrations, migrate } from './migrations.ts';
import { prepareTopics } from './prepare.ts';
import { UnitOfWork } from './unit-of-work.ts';

/** For this library's specs: an empty database with the core tables and one topic of four partitions. */
export const testTopic: Topic = {
  name: 'test.events',
  partitions: 4,
  key: 'test',
  owner: 'test',
  retentionMs: -1,
  cleanup: 'delete',
  timestamp: 'CreateTime',
  batchBytesMax: 1_048_588,
};

export interface TestDatabase {
  readonly url: string;
  readonly dataSource: DataSource;
  readonly unitOfWork: UnitOfWork;
  close(): Promise<void>;
}

export async function openTestDatabase(databaseUrl: string, poolMax = 24): Promise<TestDatabase> {
  const url = await createDatabase(databaseUrl, 'postgres_lib');
  await preferOwnFunctions(url);
  const dataSource = await openDataSource({ url, applicationName: 'test', poolMax });
  await migrate(dataSource, [coreMigrations]);
  const unitOfWork = new UnitOfWork(dataSource);
  await prepareTopics(unitOfWork, [testTopic]);
  return { url, dataSource, unitOfWork, close: () => dataSource.destroy() };
}

/** An outbound record whose body names it. */
export function record(partition: number, body: string, receivedAt: string | null = null) {
  return { topic: testTopic.name, partition, key: body, body: Buffer.from(body), receivedAt };
}

/** From its next connection on, a function of the database's own is found before the server's: see {@link stepClock}. */
async function preferOwnFunctions(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const name = client.escapeIdentifier(new URL(url).pathname.slice(1));
    await client.query(`alter database ${name} set search_path = public, pg_catalog`);
  } finally {
    await client.end();
  }
}

/** Sets the database's clock, for its own connections, this far from the real one; 0 puts it right. */
export async function stepClock({ dataSource }: TestDatabase, ms: number): Promise<void> {
  await dataSource.query(`create or replace function public.clock_timestamp() returns timestamptz language sql volatile
    as 'select pg_catalog.clock_timestamp() + interval ''${ms} milliseconds'''`);
}
