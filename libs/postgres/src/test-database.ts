import type { Topic } from '@slipstream/contracts';
import { createDatabase, makeClockSteppable } from '@slipstream/environment';
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
  await makeClockSteppable(url);
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
