import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { sources } from '@slipstream/contracts';
import type { Simulator } from '@slipstream/provider-simulator';
import type { Service } from '@slipstream/service-host';
import { startTcpProxy, waitFor } from '@slipstream/testing';
import { v7 } from 'uuid';
import { fundsHeld, recorded, submitted } from './support/events.ts';
import { freePorts, GatewayUnderTest } from './support/gateway-under-test.ts';
import { executionsAt, simulateAcme } from './support/simulated.ts';

let gateway: GatewayUnderTest;
let simulator: Simulator;
let port: number;
const running: Service[] = [];

beforeAll(async () => {
  gateway = await GatewayUnderTest.open();
  port = (await freePorts(1))[0]!;
  // It says all it has to say in its reply: what is lost of that is asked about, and nobody waits for a callback.
  simulator = await simulateAcme(port, { mode: 'sync', latency_ms: [5, 40] });
}, 400_000);

afterEach(async () => {
  for (const service of running.splice(0)) await service.stop();
});

afterAll(async () => {
  await gateway?.stop();
  await simulator?.stop();
});

async function start(
  ...args: [port: number, more?: Parameters<GatewayUnderTest['start']>[2]]
): Promise<Service> {
  const service = await gateway.start(simulator.providers, ...args);
  running.push(service);
  return service;
}

async function submit(count: number): Promise<string[]> {
  const slips = Array.from({ length: count }, () => v7());
  const route = { provider: 'acme', route: 'acme', deadlineMs: 300_000 };
  await gateway.publish(
    ...slips.flatMap((slipId) => [recorded(slipId, submitted(route)), recorded(slipId, fundsHeld)]),
  );
  return slips;
}

const ready = async (service: Service) => (await fetch(`${service.url}/readyz`)).ok;

const has = (slipId: string, type: string) => gateway.of(slipId).some(({ event }) => event.type === type);

/**
 * Each slip has its answer and was executed once, or it is known that it may have left, and it was executed at most once;
 * the numbers of this service follow each other.
 */
async function expectSound(slips: readonly string[], unanswered: readonly string[] = []): Promise<void> {
  for (const slipId of slips) await gateway.has(slipId, 'SlipReturned');
  for (const slipId of unanswered) {
    await waitFor(() => has(slipId, 'SlipReturned') || has(slipId, 'DispatchUnanswered'), {
      what: `an end of the attempt of ${slipId}`,
    });
  }
  const executed = await executionsAt(simulator);
  expect(slips.map((slipId) => executed.get(slipId))).toEqual(slips.map(() => 1));
  expect(unanswered.filter((slipId) => (executed.get(slipId) ?? 0) > 1)).toEqual([]);
  const own = gateway.events.filter((event) => event.source === sources.gateway);
  for (const events of Map.groupBy(own, (event) => gateway.partitionOf(event.slipId)).values()) {
    // A number that was given out twice has two events.
    const ids = new Map<bigint, Set<string>>();
    for (const { sequence, id } of events) ids.set(sequence, (ids.get(sequence) ?? new Set()).add(id));
    expect([...ids.keys()]).toEqual(Array.from(ids, (_, index) => BigInt(index + 1)));
    expect([...ids.values()].every((same) => same.size === 1)).toBe(true);
  }
}

test('a database put back under two running instances: both stop, fold back and go on', async () => {
  const instances = [await start(port), await start(0)];
  const old = await submit(6);
  for (const slipId of old) await gateway.has(slipId, 'SlipReturned');
  await gateway.copyAside();
  for (const instance of instances)
    await waitFor(() => ready(instance), { what: 'both to have compared again' });

  const lost = await submit(24);
  // In the middle of it: some are not begun, some intended, some sent, some answered.
  await waitFor(() => lost.filter((slipId) => gateway.of(slipId).length > 2).length > 5, {
    what: 'a handful to be under way',
  });
  await gateway.putBack();
  for (const instance of instances) await waitFor(() => ready(instance), { what: 'both to be ready again' });
  const late = await submit(12);
  await expectSound([...old, ...late], lost);
}, 300_000);

test('an instance cut off from the database hands its partitions over, and comes back: nothing is sent twice', async () => {
  const url = new URL(gateway.databaseUrl);
  const proxy = await startTcpProxy(Number(url.port));
  try {
    url.port = String(proxy.port);
    await start(port);
    const cut = await start(0, { databaseUrl: url.href });
    const owners = async () =>
      (await gateway.database.query<{ n: string }>('select count(distinct owner) as n from relay')).rows[0]
        ?.n;
    await waitFor(async () => (await owners()) === '2', { what: 'both to have leases' });
    const underWay = await submit(24);
    await waitFor(() => underWay.filter((slipId) => gateway.of(slipId).length > 2).length > 5, {
      what: 'a handful to be under way',
    });
    const epochs = async () =>
      Number((await gateway.database.query<{ n: string }>('select sum(epoch) as n from relay')).rows[0]?.n);
    const before = await epochs();
    const heal = proxy.cutOff();
    underWay.push(...(await submit(12)));
    await waitFor(async () => (await epochs()) > before, { what: 'the other one to take over' });
    underWay.push(...(await submit(12)));
    await waitFor(async () => !(await ready(cut)), { what: 'the one cut off to notice' });
    heal();
    await waitFor(
      async () => {
        const answer = await fetch(`${cut.url}/readyz`);
        if (!answer.ok) throw new Error(await answer.text());
        return (await owners()) === '2';
      },
      { what: 'the one cut off to be back' },
    );
    const late = await submit(12);
    await expectSound(late, underWay);
  } finally {
    await proxy.close();
  }
}, 300_000);

test('a database older than the log beside the one in use: its instance says so, and sends nothing', async () => {
  const newer = await start(port);
  const old = await submit(6);
  for (const slipId of old) await gateway.has(slipId, 'SlipReturned');
  await gateway.copyAside();
  await waitFor(() => ready(newer), { what: 'the newer one to have compared again' });
  const since = await submit(12);
  for (const slipId of since) await gateway.has(slipId, 'SlipReturned');

  const older = await start(0, { databaseUrl: gateway.copyUrl });
  const why = await waitFor(
    async () => {
      const answer = await fetch(`${older.url}/readyz`);
      const { checks } = (await answer.json()) as {
        checks: { name: string; ok: boolean; detail?: string }[];
      };
      return checks.find(({ name, ok }) => name === 'own log' && !ok)?.detail;
    },
    { what: 'the older one to say why' },
  );
  expect(why).toContain('this database is older than the log of /slipstream/provider-gateway');
  const meanwhile = await submit(12);
  await waitFor(() => meanwhile.some((slipId) => has(slipId, 'SlipReturned')), {
    what: 'the newer one to go on',
  });
  expect(await ready(older)).toBe(false);
  await older.stop();
  await expectSound([...old, ...since, ...meanwhile, ...(await submit(6))]);
}, 300_000);
