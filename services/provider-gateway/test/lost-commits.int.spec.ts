import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Simulator } from '@slipstream/provider-simulator';
import { startKafkaProxy, waitFor } from '@slipstream/testing';
import { v7 } from 'uuid';
import { fundsHeld, recorded, submitted } from './support/events.ts';
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

async function executions(slipId: string): Promise<number> {
  return (await executionsAt(simulator)).get(slipId) ?? 0;
}

async function submit(): Promise<string> {
  const slipId = v7();
  const route = { provider: 'acme', route: 'acme', deadlineMs: 300_000 };
  await gateway.publish(recorded(slipId, submitted(route)), recorded(slipId, fundsHeld));
  return slipId;
}

async function row(slipId: string): Promise<{ status: string; attempt: number } | undefined> {
  const { rows } = await gateway.database.query('select status, attempt from dispatch where slip_id = $1', [
    slipId,
  ]);
  return rows[0];
}

test('a call whose intent never reached the topic was not made: its commit may be lost, and nothing is paid twice', async () => {
  const proxy = await startKafkaProxy(gateway.environment.kafkaBrokers[0]!);
  const first = await gateway.start(simulator.providers, port);
  const before = await submit();
  await gateway.has(before, 'SlipReturned');
  await first.stop();
  await gateway.copyAside();

  const second = await gateway.start(simulator.providers, port, { kafkaBrokers: [proxy.address] });
  const again = await submit();
  await gateway.has(again, 'SlipReturned');
  proxy.holdProduces();
  const lost = await submit();
  // The intent is committed, and its attempt has an end, one way or the other.
  await waitFor(
    async () => ((await row(lost))?.attempt ?? 0) > 0 && (await row(lost))?.status !== 'intended',
    {
      what: 'the end of the attempt',
    },
  );
  // The broker never hears of it, and the database loses it: a standby promoted without the last commits.
  await proxy.close();
  await gateway.putBack();
  await second.stop();
  expect(gateway.of(lost).map(({ event }) => event.type)).toEqual(['SlipSubmitted', 'FundsHeld']);

  const third = await gateway.start(simulator.providers, port);
  await gateway.has(lost, 'SlipReturned');
  expect([await executions(before), await executions(again), await executions(lost)]).toEqual([1, 1, 1]);
  await third.stop();
}, 300_000);

test('a broker that takes seconds makes calls late, and not impossible', async () => {
  const slow = await startKafkaProxy(gateway.environment.kafkaBrokers[0]!);
  try {
    const instance = await gateway.start(simulator.providers, port, { kafkaBrokers: [slow.address] });
    slow.produceDelayMs = 2_000;
    const slips = await Promise.all([submit(), submit(), submit()]);
    for (const slipId of slips) await gateway.has(slipId, 'SlipReturned');
    expect(await Promise.all(slips.map(executions))).toEqual([1, 1, 1]);
    slow.produceDelayMs = 0;
    await instance.stop();
  } finally {
    await slow.close();
  }
}, 300_000);
