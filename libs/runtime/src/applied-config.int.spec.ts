import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { decodeOpsEvent, sources, stampEnvelope, topics } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { coreMigrations, migrate, openDataSource, prepareTopics, UnitOfWork } from '@slipstream/postgres';
import { waitFor } from '@slipstream/testing';
import { appliedConfig } from './applied-config.ts';
import type { Loop } from './loop.ts';
import { newId } from './new-id.ts';

const environment = sharedEnvironment();
let dataSource: Awaited<ReturnType<typeof openDataSource>>;
let unitOfWork: UnitOfWork;
let isOpen: boolean;
const running: Loop[] = [];
const errors: unknown[] = [];

beforeEach(async () => {
  isOpen = true;
  const url = await createDatabase(environment().databaseUrl, 'applied_config');
  dataSource = await openDataSource({ url, applicationName: 'applied-config' });
  await migrate(dataSource, [coreMigrations]);
  unitOfWork = new UnitOfWork(dataSource);
  await prepareTopics(unitOfWork, [topics.ops]);
});
afterEach(async () => {
  for (const loop of running.splice(0)) await loop.stop();
  await dataSource.destroy();
  expect(errors.splice(0)).toEqual([]);
});

/** An instance that judges by these rules begins. */
async function begin(digest: string): Promise<void> {
  const gate = { isOpen: () => isOpen };
  const onError = (error: unknown) => void errors.push(error);
  const loop = appliedConfig({
    ...{ service: 'intake', source: sources.intake, digest, newId, unitOfWork, gate, onError },
  });
  running.push(loop);
  await loop.start();
}

async function said() {
  const rows = await unitOfWork.query<{ seq: string; at: string; key: string; body: Buffer }>(
    'select seq, at, key, body from outbox_event where topic = $1 order by seq',
    [topics.ops.name],
  );
  return rows.map(({ seq, at, key, body }) => {
    const stamp = { sequence: seq, time: at, receivedTime: at };
    const { source, event } = decodeOpsEvent(stampEnvelope(body, stamp))!;
    return { key, source, ...event };
  });
}

const applied = (digest: string, previous: string | null) => ({
  ...{ key: 'intake', source: sources.intake, type: 'ConfigApplied' },
  data: { service: 'intake', digest, previous },
});

/** Every loop that began has had its say. */
async function judgesBy(digest: string): Promise<void> {
  await waitFor(
    async () => {
      const [row] = await unitOfWork.query<{ digest: string }>('select digest from applied_config');
      return row?.digest === digest;
    },
    { what: `the rules ${digest} to be applied` },
  );
}

test('rules are told once: by the first of the instances, and not again when one is restarted', async () => {
  await Promise.all([begin('a'), begin('a'), begin('a')]);
  await judgesBy('a');
  for (const loop of running.splice(0)) await loop.stop();
  expect(await said()).toEqual([applied('a', null)]);
});

test('other rules are told with those before them, and so is the way back', async () => {
  await begin('a');
  await judgesBy('a');
  await begin('b');
  await judgesBy('b');
  await begin('a');
  await judgesBy('a');
  expect(await said()).toEqual([applied('a', null), applied('b', 'a'), applied('a', 'b')]);
});

test('nothing is said before the database was compared with its own log', async () => {
  isOpen = false;
  await begin('a');
  for (const loop of running.splice(0)) await loop.stop();
  expect(await said()).toEqual([]);
  isOpen = true;
  await begin('a');
  await judgesBy('a');
  expect(await said()).toEqual([applied('a', null)]);
});
