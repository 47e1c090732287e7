import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import type { Tx, UnitOfWork } from '@slipstream/postgres';
import type { PendingOpsEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
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
async function instance(name: string, told: PendingOpsEvent[], unitOfWork = database.unitOfWork) {
  await database.unitOfWork.query(
    `insert into instance (id, name, seen_at, lease_until)
     values ($1, $1, clock_timestamp(), clock_timestamp() + interval '1 hour')`,
    [name],
  );
  return blindnessStore({
    ...{ unitOfWork, instance: name, partitions: () => [] },
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

test('a blindness that a database put back has forgotten is said in it again, and its incident closes', async () => {
  const told: PendingOpsEvent[] = [];
  const blind = await instance('put back', told);
  const blinded = { by: 'intake', why: 'it was silent', since: at(1) };
  await blind.say(blinded);
  await database.unitOfWork.query('delete from said_blind');
  await blind.keepIncident(blinded, at(70));
  await blind.say(null);
  expect(told.map(({ event }) => event.type)).toEqual([
    ...['DetectorBlinded', 'DetectorBlinded', 'IncidentOpened', 'DetectorRestored', 'IncidentClosed'],
  ]);
});

/** Both have done what a statement names before either goes on, unless one waits for the other's transaction. */
function together(parties: number): (tx: Tx) => Tx {
  const steps = new Map<string, number>();
  const isBlocked = async () => {
    const waits =
      "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    return (await database.unitOfWork.query(waits)).length > 0;
  };
  return (tx) => ({
    ...bound(tx),
    async query<Row>(sql: string, parameters?: unknown[]) {
      const rows = await tx.query<Row>(sql, parameters);
      steps.set(sql, (steps.get(sql) ?? 0) + 1);
      await waitFor(async () => steps.get(sql)! >= parties || (await isBlocked()), { what: 'the other one' });
      return rows;
    },
  });
}

const bound = (tx: Tx): Tx => ({
  ...{ query: tx.query.bind(tx), send: tx.send.bind(tx), insert: tx.insert.bind(tx) },
  ...{ publish: tx.publish.bind(tx), afterCommit: tx.afterCommit.bind(tx) },
});

test('of two instances that see again at once, the later one closes the incident', async () => {
  const told: PendingOpsEvent[] = [];
  const at2 = together(2);
  const real = database.unitOfWork;
  const racing = Object.create(real, {
    run: { value: (work: (tx: Tx) => Promise<unknown>) => real.run((tx) => work(at2(tx))) },
  }) as UnitOfWork;
  const blinded = { by: 'kafka', why: 'nobody is heard', since: at(1) };
  const names = ['left', 'right'];
  const said = await Promise.all(names.map((name) => instance(name, told)));
  for (const one of said) await one.say(blinded);
  await said[0]!.keepIncident(blinded, at(70));
  await real.query('delete from instance where name = any($1::text[])', [names]);
  const seeing = await Promise.all(names.map((name) => instance(name, told, racing)));
  await Promise.all(seeing.map((one) => one.say(null)));
  expect(told.filter(({ event }) => event.type === 'IncidentClosed')).toHaveLength(1);
}, 120_000);
