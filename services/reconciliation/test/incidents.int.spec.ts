import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RecordedOpsEvent, sources } from '@slipstream/contracts';
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
import { answered, held, intended, refunded, returned, settled, submitted, unanswered } from './story.ts';

const { intake, gateway, ledger } = sources;
let world: ReconciliationUnderTest;
let service: Service;
beforeAll(async () => {
  // Every refund that follows from our own trouble waits for people.
  const repair = { countMax: 10_000, amountMax: new Map(), ownTroubleMax: 0 };
  world = await reconciliationUnderTest({ repair });
  service = await world.start();
});
afterAll(() => world?.stop(), 60_000);

/** Ten minutes ago: all that is told here lies in the log already, and nothing rests on the machine's clock. */
const start = addMs(now(), -600_000);
const at = (second: number): Instant => addMs(start, second * 1_000);
type Entry = Said & { readonly source: (typeof sources)[keyof typeof sources]; readonly time: Instant };
const entry = (source: Entry['source'], slipId: string, event: Said['event'], second: number): Entry => ({
  ...{ source, slipId, event, time: at(second), receivedTime: at(second) },
});

/** A slip each second, to be returned within three; a second later it is, or never. */
function life(slipId: string, second: number, returns: boolean): Entry[] {
  return [
    entry(intake, slipId, submitted({ deadline: at(second + 3) }), second),
    entry(ledger, slipId, held, second),
    entry(gateway, slipId, intended(), second),
    ...(returns
      ? [entry(gateway, slipId, returned(), second + 1), entry(ledger, slipId, settled, second + 1)]
      : [entry(gateway, slipId, unanswered(), second + 1)]),
  ];
}

const say = (entries: readonly Entry[]) =>
  world.others.sayAll(entries.toSorted((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time))));
const vouch = async (time: Instant) => {
  for (const source of [gateway, ledger, intake]) await world.others.vouch(source, time);
};
/** Of this provider, or of none; that the detector itself could not see for a while may be another one. */
const told = (type: string, of: string | null) =>
  world.told.filter(
    ({ event }) => event.type === type && 'provider' in event.data && event.data.provider === of,
  );
const isOf =
  (incident: string) =>
  ({ event }: RecordedOpsEvent) =>
    'incident' in event.data && event.data.incident === incident;

test('an outage is one incident with all of its slips and no other; it closes when nothing of it is open', async () => {
  const slipIds = Array.from({ length: 90 }, () => v7());
  const lost = slipIds.slice(40, 55);
  await say(slipIds.flatMap((slipId, second) => life(slipId, second, !lost.includes(slipId))));
  // And one that is missed by itself.
  const alone = v7();
  await say(life(alone, 85, false));
  await vouch(at(100));
  const opened = await waitFor(
    async () => {
      await vouch(now());
      const { body } = await world.get(service, '/v1/incidents');
      const acmes = body.data.find(({ provider }: { provider: string | null }) => provider === 'acme');
      return acmes?.counts.slips === lost.length ? told('IncidentOpened', 'acme')[0] : undefined;
    },
    { what: 'an incident with all slips', intervalMs: 500 },
  );
  expect(told('IncidentOpened', 'acme')).toHaveLength(1);
  expect(opened.event.data).toMatchObject({ provider: 'acme', warnings: [], blindSince: null });
  const { body: list } = await world.get(service, '/v1/incidents?status=open&provider=acme');
  expect(list.data).toMatchObject([
    {
      ...{ id: opened.subject, status: 'open', provider: 'acme', since: at(40), until: at(54) },
      ...{ routes: ['default'], held_amount: [{ amount: '18750', currency: 'EUR' }] },
      counts: { slips: 15, open: 15, repaired: 0, refunded: 0, open_cases: 0 },
    },
  ]);
  const { body: first } = await world.get(service, `/v1/incidents/${opened.subject}/slips?page_size=10`);
  const rest = await world.get(
    service,
    `/v1/incidents/${opened.subject}/slips?page_size=10&cursor=${first.next}`,
  );
  const listed = [...first.data, ...rest.body.data].map(({ slip_id }: { slip_id: string }) => slip_id);
  expect(listed.toReversed()).toEqual(lost);

  for (const slipId of lost) {
    await world.others.say(gateway, [
      { slipId, event: answered(1, 'returned') },
      { slipId, event: returned({ evidence: 'inquiry_answer' }) },
    ]);
    await world.others.say(ledger, [{ slipId, event: settled }]);
  }
  const closed = await waitFor(
    async () => {
      await vouch(now());
      return told('IncidentClosed', 'acme')[0];
    },
    { what: 'IncidentClosed', intervalMs: 500 },
  );
  expect(closed.event.data).toMatchObject({
    ...{ incident: opened.subject, provider: 'acme', slips: 15, returned: 15, refunded: 0, mergedInto: null },
  });
  const { body } = await world.get(service, `/v1/incidents/${opened.subject}`);
  expect(body).toMatchObject({
    status: 'closed',
    counts: { slips: 15, open: 0, repaired: 15 },
    causes: [{ class: 'network', code: 'reply_lost', slips: 15 }],
    held_amount: [],
  });
  expect(told('IncidentOpened', 'acme')).toHaveLength(1);
  expect((await world.get(service, '/v1/incidents/none')).status).toBe(404);
}, 240_000);

test('refunds that our own trouble keeps waiting are one incident, which is over when people have released the last', async () => {
  const slipIds = Array.from({ length: 5 }, () => v7());
  const say = (source: Entry['source'], event: Said['event']) =>
    world.others.say(
      source,
      slipIds.map((slipId) => ({ slipId, event })),
    );
  await say(intake, submitted({ deadline: addMs(now(), 3_600_000) }));
  await say(ledger, held);
  await say(gateway, answered(0, 'never_sent', true, 'ourselves'));
  // One of the detector's own blindness has no slips that are withheld.
  const ours = () =>
    told('IncidentOpened', null).filter(
      ({ event }) => event.type === 'IncidentOpened' && event.data.blindSince === null,
    );
  const opened = await waitFor(() => ours()[0], { what: 'IncidentOpened', intervalMs: 200 });
  const incident = async () => (await world.get(service, `/v1/incidents/${opened.subject}`)).body;
  const held5 = [{ amount: '6250', currency: 'EUR' }];
  await waitFor(async () => (await incident()).counts.withheld === slipIds.length, {
    what: 'all slips in it',
  });
  expect(await incident()).toMatchObject({
    ...{ status: 'open', provider: null, blind_since: null, held_amount: held5 },
    causes: [{ class: 'system', code: 'never_dispatched', slips: 5 }],
    counts: { slips: 5, open: 5, open_cases: 5, refunded: 0 },
  });
  // The event tells how many; whose they are is asked for.
  const { body: listed } = await world.get(service, `/v1/incidents/${opened.subject}/slips`);
  const slips = listed.data as { slip_id: string; has_open_case: boolean }[];
  expect(slips.map(({ slip_id }) => slip_id).toSorted()).toEqual(slipIds.toSorted());
  expect(slips.every(({ has_open_case }) => has_open_case)).toBe(true);
  const filter = { incident: opened.subject };
  const bulk = { action: 'release', reason: 'the gateway stood still', filter };
  const released = await world.post(service, '/v1/cases:actions', bulk);
  expect([released.status, released.body.size]).toEqual([202, 5]);
  for (const slipId of slipIds) await world.untilPublished(slipId, 'RefundRequested');
  await say(ledger, refunded);
  const closed = await waitFor(() => told('IncidentClosed', null).find(isOf(opened.subject)), {
    ...{ what: 'IncidentClosed', intervalMs: 500 },
  });
  expect(closed.event.data).toMatchObject({ slips: 5, returned: 0, refunded: 5 });
  expect(ours()).toHaveLength(1);
}, 240_000);
