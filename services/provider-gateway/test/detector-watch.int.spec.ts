import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sources } from '@slipstream/contracts';
import { waitFor } from '@slipstream/testing';
import { v7 } from 'uuid';
import { fundsHeld, recorded, submitted } from './support/events.ts';
import { GatewayUnderTest, now } from './support/gateway-under-test.ts';

let gateway: GatewayUnderTest;
beforeAll(async () => {
  gateway = await GatewayUnderTest.open();
}, 400_000);
afterAll(() => gateway?.stop());

const told = (type: string) => gateway.told.filter(({ event }) => event.type === type);

test('a reconciler that falls silent while slips are waited for is told of once, by two instances, and taken back', async () => {
  // Nobody listens there: the slip waits for its call.
  const providers = { acme: 'http://127.0.0.1:1' };
  await gateway.start(providers);
  await gateway.start(providers);
  const slipId = v7();
  const route = { provider: 'acme', route: 'acme', deadlineMs: 300_000 };
  await gateway.publish(recorded(slipId, submitted(route)), recorded(slipId, fundsHeld));
  await gateway.has(slipId, 'DispatchIntended');
  expect(told('DetectorBlinded')).toEqual([]);
  await gateway.tickOf(sources.reconciliation, 'wall', now());
  const blinded = await waitFor(() => told('DetectorBlinded')[0], { what: 'DetectorBlinded' });
  expect(blinded).toMatchObject({
    ...{ subject: 'reconciliation', source: sources.gateway },
    event: { data: { service: 'reconciliation', slips: 1 } },
  });
  await gateway.tickOf(sources.reconciliation, 'wall', now());
  const restored = await waitFor(() => told('DetectorRestored')[0], { what: 'DetectorRestored' });
  expect(restored.event.data).toMatchObject({ service: 'reconciliation' });
  expect(told('DetectorBlinded')).toHaveLength(1);
  expect(told('DetectorRestored')).toHaveLength(1);
});
