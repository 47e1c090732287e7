import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sources } from '@slipstream/contracts';
import { addMs, type Instant } from '@slipstream/kernel';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';
import { v7 } from 'uuid';
import {
  now,
  type ReconciliationUnderTest,
  reconciliationUnderTest,
  type Said,
} from './reconciliation-under-test.ts';
import { acknowledged, held, intended, policy, returned, settled, submitted, unanswered } from './story.ts';

const { intake, gateway, ledger } = sources;
let world: ReconciliationUnderTest;
let service: Service;
beforeAll(async () => {
  world = await reconciliationUnderTest();
  service = await world.start();
});
afterAll(() => world?.stop(), 60_000);

const minute = 60_000;
/** Ten minutes ago: all that is told here lies in the log already, and nothing rests on the machine's clock. */
const start = addMs(now(), -10 * minute);
const at = (second: number): Instant => addMs(start, second * 1_000);
type Entry = Said & { readonly source: (typeof sources)[keyof typeof sources]; readonly time: Instant };

/** A slip every quarter of a second, each to be returned within a minute; a second later it is, or never. */
function slipsOf(from: number, to: number, returns: boolean): Entry[] {
  return Array.from({ length: 4 * (to - from) }, (_, n) => {
    const second = from + n / 4;
    const slipId = v7();
    const say = (source: Entry['source'], event: Said['event'], seconds: number): Entry => ({
      ...{ source, slipId, event, time: at(seconds), receivedTime: at(seconds) },
    });
    const terms = submitted({ deadline: addMs(at(second), minute) });
    const begun = [say(intake, terms, second), say(ledger, held, second), say(gateway, intended(), second)];
    if (!returns) return [...begun, say(gateway, unanswered(), second + 1)];
    return [...begun, say(gateway, returned(), second + 1), say(ledger, settled, second + 1)];
  }).flat();
}

async function say(entries: readonly Entry[]): Promise<void> {
  const inOrder = entries.toSorted((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)));
  for (let from = 0; from < inOrder.length; from += 500)
    await world.others.sayAll(inOrder.slice(from, from + 500));
}

async function vouch(second: number): Promise<void> {
  for (const source of [gateway, ledger, intake]) await world.others.vouch(source, at(second));
}

const told = (type: string) => world.told.filter(({ event }) => event.type === type);

test('a provider that stops returning is told before its first deadline, and that it returns again', async () => {
  await say(slipsOf(0, 140, true));
  await vouch(141);
  await waitFor(async () => (await world.get(service, '/v1/return-curves')).body.data.length > 0, {
    what: 'a curve',
  });
  await say(slipsOf(141, 161, false));
  await vouch(161);
  const falling = await waitFor(() => told('ReturnsFalling')[0], { what: 'ReturnsFalling' });
  expect(falling).toMatchObject({ subject: 'acme', source: sources.reconciliation });
  if (falling.event.type !== 'ReturnsFalling') throw new Error('another event');
  const { data } = falling.event;
  expect(data).toMatchObject({ provider: 'acme', route: 'default', seen: 0 });
  expect(data.since >= at(139) && data.since < at(145)).toBe(true);
  expect(data.foundAt < at(161)).toBe(true);
  expect(data.firstDeadline >= at(200)).toBe(true);
  expect(data.forecastSlips).toBeGreaterThan(20);
  expect(data.forecastMoney).toEqual([{ amount: BigInt(data.forecastSlips) * 1250n, currency: 'EUR' }]);
  expect(world.published.filter(({ event }) => event.type === 'SlipOverdue')).toEqual([]);

  const curves = await world.get(service, '/v1/return-curves');
  expect(curves.body.data).toMatchObject([{ provider: 'acme', route: 'default', not_returned_rate: 0 }]);
  expect(curves.body.data[0].falling_since).toBe(data.since);
  expect(curves.body.data[0].suggested_deadline_ms).toBeGreaterThanOrEqual(1_000);
  expect(curves.body.data[0].suggested_deadline_ms).toBeLessThan(1_300);
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  expect(metrics).toMatch(/slipstream_returns_falling\{provider="acme",route="default",.*\} 1/);

  // The warning and the incident are one thing with one id, before anything is missed.
  const warned = await waitFor(
    async () => {
      const { body } = await world.get(service, '/v1/incidents');
      return body.data.find(({ id }: { id: string }) => id === falling.id);
    },
    { what: 'an incident', intervalMs: 500 },
  );
  expect(warned).toMatchObject({
    ...{ id: falling.id, status: 'open', provider: 'acme', warnings: [falling.id], counts: { slips: 0 } },
  });

  // Another process goes on from what was kept.
  await service.stop();
  service = await world.start();
  await say(slipsOf(162, 192, true));
  await vouch(193);
  const recovered = await waitFor(() => told('ReturnsRecovered')[0], { what: 'ReturnsRecovered' });
  expect(recovered.event.data).toMatchObject({ falling: falling.id, since: data.since });
  expect(told('ReturnsFalling')).toHaveLength(1);
  // That what is told here is minutes old makes another one, of the detector's own.
  const ofFalling = (type: 'IncidentOpened' | 'IncidentClosed') =>
    told(type).filter(({ event }) => event.type === type && event.data.incident === falling.id);
  const closed = await waitFor(() => ofFalling('IncidentClosed')[0], {
    what: 'IncidentClosed',
    intervalMs: 500,
  });
  expect(closed.event.data).toMatchObject({ slips: 0 });
  expect(ofFalling('IncidentOpened')).toHaveLength(1);
}, 240_000);

const stages = {
  ...{ submitted: { warnMs: 1_000, actMs: 2_000 }, held: null, dispatching: null },
  ...{ review: { warnMs: 1_500, actMs: 0 }, returned: { warnMs: 3_000, actMs: 0 } },
};

test('a slip that is stuck on its way is told with the service that should have ended the stage', async () => {
  const stuck = v7();
  const terms = submitted({ deadline: addMs(at(200), minute), policy: { ...policy, stages } });
  await say([{ source: intake, slipId: stuck, event: terms, time: at(200), receivedTime: at(200) }]);
  await vouch(203);
  const late = await world.untilPublished(stuck, 'StageLate');
  expect(late.event.data).toMatchObject({
    ...{
      stage: 'submitted',
      point: 'act',
      service: 'ledger',
      since: at(200),
      limitMs: 2_000,
      provider: null,
    },
  });
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  expect(metrics).toMatch(/slipstream_late_stages_total\{stage="submitted",point="act",.*\} 1/);
}, 60_000);

test('a review that people let lie, and an outcome that a provider keeps waiting for, are warned of', async () => {
  const [waiting, heard] = [v7(), v7()];
  const begin = (slipId: string, reviewRequired: boolean): Entry => {
    const event = submitted({
      deadline: addMs(at(210), minute),
      policy: { ...policy, stages },
      reviewRequired,
    });
    return { source: intake, slipId, event, time: at(210), receivedTime: at(210) };
  };
  const of = (source: Entry['source'], event: Said['event'], second: number): Entry => ({
    ...{ source, slipId: heard, event, time: at(second), receivedTime: at(second) },
  });
  const sent = [of(ledger, held, 211), of(gateway, intended(), 211), of(gateway, acknowledged, 212)];
  await say([begin(waiting, true), begin(heard, false), ...sent]);
  await vouch(214);
  const inReview = await world.untilPublished(waiting, 'StageLate');
  expect(inReview.event.data).toMatchObject({ stage: 'review', point: 'warn', service: 'intake' });
  await vouch(216);
  const returning = await world.untilPublished(heard, 'StageLate');
  expect(returning.event.data).toMatchObject({
    ...{ stage: 'returned', point: 'warn', service: 'provider-gateway', provider: 'acme' },
    ...{ since: at(212), limitMs: 3_000 },
  });
}, 60_000);

test('the route takes no parameters, and asks for its scope', async () => {
  expect((await world.get(service, '/v1/return-curves?x=1')).status).toBe(400);
  expect((await world.get(service, '/v1/return-curves', 'cases:read')).status).toBe(403);
});
