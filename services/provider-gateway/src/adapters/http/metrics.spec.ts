import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { counters } from './metrics.ts';

test('calls are counted by provider and route, those of a route that is none of ours without one', async () => {
  const registry = new Registry();
  const { meter, underWay, register } = counters(new Set(['payouts']));
  register(registry);
  for (const route of ['payouts', 'retired', 'retired-too', '']) {
    const call = { provider: 'acme', route, call: 'dispatch' };
    underWay(call, 1);
    meter({ ...call, outcome: 'answered', reason: '', tookMs: 20 });
  }
  const text = await registry.metrics();
  const labels = (route: string) => `{provider="acme",route="${route}",call="dispatch"`;
  expect(text).toContain(`calls_under_way${labels('payouts')}} 1`);
  expect(text).toContain(`calls_under_way${labels('')}} 3`);
  expect(text).toMatch(/duration_seconds_count\{provider="acme",route="payouts",call="dispatch",[^}]*\} 1/);
  expect(text).toMatch(/duration_seconds_count\{provider="acme",route="",call="dispatch",[^}]*\} 3/);
  expect(text).not.toContain('retired');
});

test('callbacks are counted by provider, from 0 on, so that the first that is refused is seen to come', async () => {
  const registry = new Registry();
  const { meterCallback, register } = counters(new Set(), ['acme', 'bolt']);
  register(registry);
  meterCallback('acme', 'refused');
  meterCallback('acme', 'aboutItsSlips');
  const text = await registry.metrics();
  const shown = [
    ...text.matchAll(/^slipstream_gateway_callbacks_total\{provider="(\w+)",kind="(\w+)"\} (\d)$/gm),
  ];
  expect(shown.map(([, provider, kind, count]) => `${provider} ${kind} ${count}`)).toEqual([
    ...['acme accepted 0', 'acme refused 1', 'acme about_its_slips 1'],
    ...['bolt accepted 0', 'bolt refused 0', 'bolt about_its_slips 0'],
  ]);
});
