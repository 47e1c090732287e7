import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkProviders, parseProviders } from '../src/config.ts';
import { SECRET, World } from './support.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.stop());

test('health and providers, without secrets', async () => {
  expect((await world.admin('/livez')).json).toEqual({ status: 'ok' });
  expect((await world.admin('/readyz')).json).toEqual({ status: 'ok' });
  const { json, text } = await world.admin('/v1/providers');
  expect(json.data).toMatchObject([
    { id: 'acme', mode: 'async', url: world.simulator.providers.acme, listening: true },
    { id: 'bolt', mode: 'sync', url: world.simulator.providers.bolt, listening: true },
  ]);
  expect(text).not.toContain(SECRET);
});

test('rules are replaced as a whole and shown with their defaults', async () => {
  await world.rules({ fault: 'reject' }, { fault: 'redirect' });
  await world.rules({
    fault: 'late_callback',
    provider: 'acme',
    match: { reference: '^ord-', account: '^cust-' },
    from: '2026-11-22T10:00:00+01:00',
    delay_ms: 5,
  });
  expect((await world.admin('/v1/rules')).json).toEqual({
    data: [
      {
        fault: 'late_callback',
        provider: 'acme',
        match: { reference: '^ord-', account: '^cust-' },
        rate: 1,
        from: '2026-11-22T09:00:00.000Z',
        to: null,
        delay_ms: 5,
      },
    ],
  });
  await world.rules();
});

test.each<[string, unknown, string]>([
  ['an unknown fault', [{ fault: 'nap' }], '/0/fault'],
  ['no fault', [{ rate: 1 }], '/0'],
  ['an unknown field', [{ fault: 'reject', often: true }], '/0'],
  ['an unknown field to match', [{ fault: 'reject', match: { id: 'x' } }], '/0/match'],
  ['a rate above 1', [{ fault: 'reject', rate: 2 }], '/0/rate'],
  ['a rate in quotes', [{ fault: 'reject', rate: '1' }], '/0/rate'],
  ['a time without a zone', [{ fault: 'reject', from: '2026-11-22T10:00:00' }], '/0/from'],
  ['a leap second', [{ fault: 'reject', from: '2016-12-31T23:59:60Z' }], '/0/from'],
  [
    'a broken expression',
    [{ fault: 'reject' }, { fault: 'reject', match: { reference: '(' } }],
    '/1/match/reference',
  ],
  [
    'a question about an account',
    [{ fault: 'slow_inquiry', match: { account: '^cust-' } }],
    '/0/match/account',
  ],
  [
    'a cancellation by an account',
    [{ fault: 'ignores_cancellation', match: { account: '^cust-' } }],
    '/0/match/account',
  ],
  ['an unknown provider', [{ fault: 'reject', provider: 'nobody' }], '/0/provider'],
  [
    'an empty window',
    [{ fault: 'reject', from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }],
    '/0/to',
  ],
  ['a frozen backlog that never ends', [{ fault: 'frozen_backlog' }], '/0/to'],
  ['no list', { fault: 'reject' }, ''],
])('rules with %s are refused and the old ones stay', async (_what, rules, pointer) => {
  await world.rules({ fault: 'redirect' });
  const answer = await world.admin('/v1/rules', 'PUT', rules);
  expect(answer.status).toBe(400);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.json).toMatchObject({ status: 400, title: 'Bad Request', pointer });
  expect((await world.admin('/v1/rules')).json.data).toMatchObject([{ fault: 'redirect' }]);
  await world.rules();
});

test.each([
  ['/v1/nothing', 404],
  ['/v1/truth?slip=1', 400],
  ['/v1/statement', 400],
  ['/v1/statement?provider=acme&day=22.11.2026', 400],
  ['/v1/statement?provider=nobody&day=2026-11-22', 400],
])('GET %s is a problem with status %d', async (path, status) => {
  const answer = await world.admin(path);
  expect(answer.status).toBe(status);
  expect(answer.json).toMatchObject({ status, code: expect.any(String), detail: expect.any(String) });
});

test.each<[string, object]>([
  ['no slip_id', { slip_id: undefined }],
  ['an empty slip_id', { slip_id: '' }],
  ['a number as amount', { amount: { amount: 1250, currency: 'EUR' } }],
  ['a fraction as amount', { amount: { amount: '12.50', currency: 'EUR' } }],
  ['no currency', { amount: { amount: '1250' } }],
  ['an unknown field', { color: 'red' }],
  ['attempt 0', { attempt: 0 }],
])('a slip with %s is refused and not recorded', async (_what, more) => {
  const answer = await world.submit('bad', 'acme', more);
  expect(answer.status).toBe(400);
  expect(await world.truth()).toEqual([]);
});

test('a body that is no JSON is refused', async () => {
  const response = await fetch(`${world.simulator.providers.acme}/slips`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"slip_id":',
  });
  expect(response.status).toBe(400);
  await response.text();
});

const provider = { id: 'acme', secret: SECRET, callback_url: 'http://127.0.0.1:1/callbacks' };

test.each<[unknown, RegExp]>([
  [[], /fewer than 1/],
  [[{ ...provider, id: undefined }], /providers\/0 .*id/],
  [[provider, provider], /providers\[1\]\.id: "acme" is used twice/],
  [
    [
      { ...provider, port: 9 },
      { ...provider, id: 'bolt', port: 9 },
    ],
    /port: 9 is used twice/,
  ],
  [[{ ...provider, secret: 'whsec_c2hvcnQ=' }], /24 to 64 bytes/],
  [[{ ...provider, secret: 'sixteen-characters' }], /secret: must be "whsec_" and base64/],
  [[{ ...provider, callback_url: undefined }], /callback_url: a provider of mode async needs one/],
  [[{ id: 'opal', mode: 'polled', secret: 'two words' }], /providers\/0\/secret/],
  [[{ ...provider, latency_ms: [2, 1] }], /latency_ms: the minimum 2 is above/],
  [[{ ...provider, color: 'red' }], /additional properties/],
])('providers %j are refused', (input, message) => {
  expect(() => checkProviders(JSON.parse(JSON.stringify(input)), 'file')).toThrow(message);
});

test('providers that are no JSON are refused', () => {
  expect(() => parseProviders('[', 'SIMULATOR_PROVIDERS')).toThrow(/SIMULATOR_PROVIDERS is not JSON/);
});
