import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sources } from '@slipstream/contracts';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';
import { v7 } from 'uuid';
import {
  inMs,
  now,
  type ReconciliationUnderTest,
  reconciliationUnderTest,
} from './reconciliation-under-test.ts';
import { answered, held, intended, returned, submitted } from './story.ts';

const { intake, gateway, ledger } = sources;
let world: ReconciliationUnderTest;
let service: Service;
beforeAll(async () => {
  world = await reconciliationUnderTest();
  service = await world.start();
});
afterAll(() => world?.stop(), 60_000);

const told = (type: string) => world.told.filter(({ event }) => event.type === type);
const vouch = async (...who: readonly (typeof gateway | typeof intake | typeof ledger)[]) => {
  for (const source of who) await world.others.vouch(source, now());
};

test('a service that falls silent is told by its name, with slips and money at risk; no slip is, and it is taken back', async () => {
  // One is followed in memory, the other was asked about and is a row.
  const slipIds = [v7(), v7()];
  const deadline = inMs(6_000);
  // Together: of a gateway that falls silent in between only one would be at risk.
  await world.others.sayAll([
    ...slipIds.flatMap((slipId) => [
      { source: intake, slipId, event: submitted({ deadline }) },
      { source: ledger, slipId, event: held },
      { source: gateway, slipId, event: intended() },
    ]),
    { source: gateway, slipId: slipIds[1]!, event: answered(1, 'not_found') },
  ]);
  await vouch(intake, gateway, ledger);
  const blinded = await waitFor(
    async () => {
      await vouch(intake, ledger);
      return told('DetectorBlinded')[0];
    },
    { what: 'DetectorBlinded', intervalMs: 500 },
  );
  expect(blinded).toMatchObject({ subject: 'provider-gateway', source: sources.reconciliation });
  expect(blinded.event.data).toMatchObject({
    ...{ service: 'provider-gateway', slips: 2, instance: 'test-0' },
    money: [{ amount: 2500n, currency: 'EUR' }],
  });
  const { body } = await world.get(service, '/v1/watermarks');
  expect(body.detector).toMatchObject({ blind: true, by: 'provider-gateway' });
  expect(body.detector.since).toEqual((blinded.event.data as { since: string }).since);
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  expect(metrics).toMatch(/slipstream_detector_blinded_by\{blamed="provider-gateway",.*\} 1/);
  expect(world.published.filter(({ event }) => event.type === 'SlipOverdue')).toEqual([]);

  await waitFor(
    async () => {
      await vouch(intake, gateway, ledger);
      return told('DetectorRestored')[0];
    },
    { what: 'DetectorRestored', intervalMs: 500 },
  );
  expect(told('DetectorRestored')).toMatchObject([{ event: { data: { service: 'provider-gateway' } } }]);
  expect(told('DetectorBlinded')).toHaveLength(1);
  // The verdicts catch up.
  for (const slipId of slipIds) {
    await waitFor(
      async () => {
        await vouch(intake, gateway, ledger);
        return world.of(slipId, 'SlipOverdue')[0];
      },
      { what: 'SlipOverdue', intervalMs: 500 },
    );
  }
}, 240_000);

const causeOf = async (slipId: string) => (await world.untilPublished(slipId, 'SlipDiagnosed')).event.data;

test('a callback that came late because our own gateway stood still is not blamed on the provider', async () => {
  const slipId = v7();
  const deadline = inMs(500);
  await world.others.say(intake, [{ slipId, event: submitted({ deadline }) }]);
  await world.others.say(ledger, [{ slipId, event: held }]);
  await world.others.say(gateway, [{ slipId, event: intended() }]);
  await vouch(intake, ledger);
  await waitFor(() => now() > deadline, { what: 'the deadline' });
  await world.others.say(gateway, [{ slipId, event: returned() }]);
  const reading = now();
  await world.others.vouch(gateway, reading, { reading, silentMs: 60_000 });
  await vouch(intake, gateway, ledger);
  expect(await causeOf(slipId)).toMatchObject({ cause: { class: 'system', code: 'gateway_stalled' } });
  const kept = await waitFor(async () => (await world.database.query('select * from stall')).rows[0], {
    what: 'the stall in the database',
  });
  expect(kept).toMatchObject({ service: 'gateway', until: new Date(reading) });
}, 60_000);

test('what stood still before it was started is known to reconciliation, too', async () => {
  await service.stop();
  await world.database.query('insert into stall values ($1, $2, $3)', [
    'ledger',
    inMs(-60_000),
    inMs(60_000),
  ]);
  service = await world.start();
  const slipId = v7();
  await world.others.say(intake, [{ slipId, event: submitted({ deadline: inMs(500) }) }]);
  await world.others.say(gateway, [{ slipId, event: answered(1, 'never_sent', true) }]);
  await waitFor(
    async () => {
      await vouch(intake, gateway, ledger);
      return world.of(slipId, 'SlipDiagnosed')[0];
    },
    { what: 'SlipDiagnosed', intervalMs: 500 },
  );
  expect(await causeOf(slipId)).toMatchObject({ cause: { class: 'system', code: 'ledger_stalled' } });
}, 120_000);
