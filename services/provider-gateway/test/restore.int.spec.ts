import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sources } from '@slipstream/contracts';
import type { Simulator } from '@slipstream/provider-simulator';
import type { RecordedEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { v7 } from 'uuid';
import { fundsHeld, recorded, slipRefunded, submitted } from './support/events.ts';
import { freePorts, GatewayUnderTest } from './support/gateway-under-test.ts';
import { executionsAt, simulateAcme } from './support/simulated.ts';

let gateway: GatewayUnderTest;
let simulator: Simulator;
let port: number;

beforeAll(async () => {
  gateway = await GatewayUnderTest.open();
  port = (await freePorts(1))[0]!;
  simulator = await simulateAcme(port);
}, 400_000);

afterAll(async () => {
  await gateway?.stop();
  await simulator?.stop();
});

async function submit(...then: RecordedEvent['event'][]): Promise<string> {
  const slipId = v7();
  const route = { provider: 'acme', route: 'acme', deadlineMs: 300_000 };
  await gateway.publish(recorded(slipId, submitted(route)), ...then.map((event) => recorded(slipId, event)));
  return slipId;
}

/** Per partition, the numbers that this service gave out, in log order. */
function numbers(): number[][] {
  const own = gateway.events.filter((event) => event.source === sources.gateway);
  const byPartition = Object.groupBy(own, (event) => String(gateway.partitionOf(event.slipId)));
  return Object.values(byPartition).map((events) => events!.map((event) => Number(event.sequence)));
}

test('a database put back from before thirty payments pays none of them again, reuses no number and goes on', async () => {
  const first = await gateway.start(simulator.providers, port);
  const old = await Promise.all([submit(fundsHeld), submit(fundsHeld)]);
  for (const slipId of old) await gateway.has(slipId, 'SlipReturned');
  const waiting = await submit();
  await first.stop();
  await gateway.copyAside();
  await gateway.database.query(
    "update callback set received_at = received_at - interval '91 days' where slip_id = any($1)",
    [old],
  );

  const second = await gateway.start(simulator.providers, port);
  const kept = () => gateway.database.query('select 1 from callback where slip_id = any($1)', [old]);
  await waitFor(async () => (await kept()).rowCount === 0, { what: 'old callbacks to leave' });
  const lost = await Promise.all(Array.from({ length: 30 }, () => submit(fundsHeld)));
  await gateway.publish(recorded(waiting, fundsHeld));
  for (const slipId of [...lost, waiting]) await gateway.has(slipId, 'SlipReturned');
  await gateway.publish(recorded(lost[0]!, slipRefunded));
  await second.stop();
  const numbersBefore = numbers();
  await gateway.putBack();

  const third = await gateway.start(simulator.providers, port);
  const ready = () => fetch(`${third.url}/readyz`).then((answer) => answer.ok);
  await waitFor(ready, { what: 'the gateway to have folded its events back' });
  const late = await Promise.all(Array.from({ length: 12 }, () => submit(fundsHeld)));
  for (const slipId of late) await gateway.has(slipId, 'SlipReturned');
  const all = [...old, ...lost, waiting, ...late];
  const executed = await executionsAt(simulator);
  expect(all.map((slipId) => executed.get(slipId))).toEqual(all.map(() => 1));
  for (const slipId of all) {
    const types = gateway.of(slipId).map(({ event }) => event.type);
    const count = (wanted: string) => types.filter((type) => type === wanted).length;
    // On a busy machine a connection may take too long: provably not sent, and tried again.
    expect(count('DispatchIntended')).toBe(count('DispatchNotSent') + 1);
    expect(count('SlipReturned')).toBe(1);
  }
  // Each number once and in order: nothing is sent twice, and what comes now follows what was there.
  const given = numbers();
  expect(given).toEqual(given.map((one) => one.map((_, index) => index + 1)));
  expect(given.flat().length).toBeGreaterThan(numbersBefore.flat().length);
  const { rows } = await gateway.database.query(
    `select distinct status, outcome, refunded from dispatch where slip_id = any($1) order by refunded`,
    [[...old, ...lost, waiting]],
  );
  const returned = { status: 'returned', outcome: 'succeeded' };
  expect(rows).toEqual([
    { ...returned, refunded: false },
    { ...returned, refunded: true },
  ]);
}, 300_000);
