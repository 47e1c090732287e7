import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import type { PendingOpsEvent } from '@slipstream/slip';
import { blindnessStore } from '../src/adapters/postgres/blindness-store.ts';
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
