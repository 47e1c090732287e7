import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import type { PendingOpsEvent } from '@slipstream/slip';
import { blindnessStore } from '../src/adapters/postgres/blindness-store.ts';
import { createIncidentReads } from '../src/adapters/postgres/incident-reads.ts';
import { type DatabaseUnderTest, databaseUnderTest } from './database-under-test.ts';
import { at } from './story.ts';

const environment = sharedEnvironment();
let database: DatabaseUnderTest;
beforeAll(async () => {
  database = await databaseUnderTest(environment().databaseUrl);
});
afterAll(() => database?.close());

/** An instance of that name, alive for as long as the test runs. */
async function instance(name: string, told: PendingOpsEvent[]) {
  await database.unitOfWork.query(
    `insert into instance (id, name, seen_at, lease_until)
     values ($1, $1, clock_timestamp(), clock_timestamp() + interval '1 hour')`,
    [name],
  );
  return blindnessStore({
    ...{ unitOfWork: database.unitOfWork, instance: name, partitions: () => [] },
    ...{ dueInMemory: () => [{ slipId: 'quiet', deadline: at(2) }], newId: () => `incident of ${name}` },
    inMemory: () => ({ slips: 0, money: [] }),
    encode(event) {
      told.push(event);
      return { topic: topics.events.name, partition: 0, key: 'ops', body: Buffer.of(1), receivedAt: null };
    },
  });
}

test('what an instance said that was replaced is taken back once, by one that lives', async () => {
  const told: PendingOpsEvent[] = [];
  const blinded = { by: 'ledger', why: 'it was silent', since: at(1) };
  const first = await instance('first', told);
  const second = await instance('second', told);
  const third = await instance('third', told);
  await first.say(blinded);
  // A commit whose answer was lost is tried again.
  await first.say(blinded);
  expect(told.map(({ event }) => event.type)).toEqual(['DetectorBlinded']);
  expect(await second.said()).toBeNull();
  await database.unitOfWork.query('delete from instance where name = $1', ['first']);
  expect(await second.said()).toEqual(blinded);
  expect(await third.said()).toBeNull();
  await second.say(null);
  await third.say(null);
  expect(told.slice(1)).toMatchObject([{ event: { type: 'DetectorRestored', data: { service: 'ledger' } } }]);
});

test('a long blindness of several instances is one incident that lists what waits, and closes with the last', async () => {
  const told: PendingOpsEvent[] = [];
  const [one, other] = [await instance('one', told), await instance('other', told)];
  const blinded = { by: 'kafka', why: 'nobody is heard', since: at(1) };
  for (const blind of [one, other]) await blind.say(blinded);
  for (const blind of [one, other, one]) await blind.keepIncident(blinded, at(70));
  const opened = told.filter(({ event }) => event.type === 'IncidentOpened');
  expect(opened).toMatchObject([
    { event: { data: { blindSince: at(1), blindBy: 'kafka', provider: null } } },
  ]);
  const reads = createIncidentReads(database.unitOfWork);
  const { items } = await reads.incidents({ status: 'open', provider: null }, null, 10);
  expect(items).toMatchObject([{ blindSince: at(1), blindBy: 'kafka', counts: { slips: 1, open: 1 } }]);
  const slips = await reads.slips(items[0]!.id, null, 10);
  expect(slips.items).toMatchObject([{ slipId: 'quiet', deadline: at(2), fate: 'waiting' }]);
  await one.say(null);
  expect(told.filter(({ event }) => event.type === 'IncidentClosed')).toEqual([]);
  await other.say(null);
  expect(told.filter(({ event }) => event.type === 'IncidentClosed')).toMatchObject([
    { event: { data: { incident: items[0]!.id, slips: 1 } } },
  ]);
  expect(await reads.incident(items[0]!.id)).toMatchObject({
    status: 'closed',
    counts: { slips: 1, open: 0 },
  });
});
