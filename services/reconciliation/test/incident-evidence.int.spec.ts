import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { partitionsDefault } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { addMs, type Instant, instantFromMs } from '@slipstream/kernel';
import { incidentsTurn } from '../src/adapters/postgres/incident-store.ts';
import { type DatabaseUnderTest, databaseUnderTest } from './database-under-test.ts';

const environment = sharedEnvironment();
let database: DatabaseUnderTest;
beforeAll(async () => {
  database = await databaseUnderTest(environment().databaseUrl);
}, 120_000);
afterAll(() => database?.close());
beforeEach(() => database.unitOfWork.query('truncate missed_slip, incident, clock_progress'));

const now = instantFromMs(Date.now());
const hourMs = 3_600_000;

/** Missed just now, whenever it was dispatched. */
const miss = (slipId: string, at: Instant) =>
  database.unitOfWork.query(
    `insert into missed_slip (slip_id, partition, side, provider, route, kind, at, deadline, fate, has_open_case)
     values ($1, 0, 'acme', 'acme', 'default', 'order', $2, $2, 'open', false)`,
    [slipId, at],
  );

const judge = (partition: number) =>
  database.unitOfWork.query(
    "insert into clock_progress (clock, partition, judged_through) values ('wall', $1, $2)",
    [partition, now],
  );

async function slots(): Promise<number> {
  const turn = (tx: Parameters<typeof incidentsTurn>[0]) =>
    incidentsTurn(tx, { warningId: () => '' }, () => {});
  const evidence = await database.unitOfWork.run((tx) => turn(tx).evidence());
  return evidence.slots.get('acme')?.length ?? 0;
}

test('nothing is missed for an incident before every partition has judged', async () => {
  await miss('a', addMs(now, -hourMs));
  for (let partition = 1; partition < partitionsDefault; partition++) await judge(partition);
  expect(await slots()).toBe(0);
  await judge(0);
  expect(await slots()).toBe(1);
});

test('what is so old that its dispatches are not counted any more is no evidence, however old an open incident is', async () => {
  for (let partition = 0; partition < partitionsDefault; partition++) await judge(partition);
  await database.unitOfWork.query(
    "insert into incident (id, side, since, until) values ('old', 'acme', $1, $1)",
    [addMs(now, -72 * hourMs)],
  );
  await miss('a', addMs(now, -71 * hourMs));
  await miss('b', addMs(now, -hourMs));
  expect(await slots()).toBe(1);
});
