import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { v7 } from 'uuid';
import { fundsHeld, recorded, submitted } from './support/events.ts';
import { Harness } from './support/harness.ts';

const environment = sharedEnvironment();
let gateway: Harness;

beforeEach(async () => {
  gateway = await Harness.open(environment().databaseUrl);
});
afterEach(() => gateway.stop());

const dueOf = (provider: string) =>
  gateway.store.run(async (tx) => (await tx.dispatches.lockDue(new Map([[provider, 5]]))).due.length);

test('nothing is sent for a slip behind a dead letter: the event set aside may end its dispatch', async () => {
  const slipId = v7();
  await gateway.feed(recorded(slipId, submitted({ deadlineMs: 600_000 })), recorded(slipId, fundsHeld));
  expect(await dueOf('acme')).toBe(1);
  await gateway.unitOfWork.query(
    `insert into parked_key (consumer_group, topic, partition, key)
     select 'provider-gateway', 'slips.events.v1', partition, slip_id from dispatch`,
  );
  expect(await dueOf('acme')).toBe(0);
  await gateway.unitOfWork.query('delete from parked_key');
  expect(await dueOf('acme')).toBe(1);
});
