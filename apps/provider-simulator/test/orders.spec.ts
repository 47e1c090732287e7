import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Fault, RuleInput } from '../src/index.ts';
import { eventually, type TruthRow, World } from './support.ts';

const KEY = 'opal-api-key-0001';
let world: World;
beforeAll(async () => {
  const times = { latency_ms: [0, 2], answer_ms: [5, 20], acceptance_delay_max_ms: 1500 } as const;
  world = await World.start({
    providers: [
      { ...times, id: 'opal', mode: 'polled', secret: KEY },
      { ...times, id: 'flint', mode: 'polled', secret: KEY, failure_rate: 1 },
    ],
    limits: { dripIntervalMs: 1 },
  });
});
afterAll(() => world.stop());
beforeEach(() => world.rules());

const fault = (name: Fault, more: Partial<RuleInput> = {}) => world.rules({ fault: name, ...more });
const orderOf = (ref: string) => ({
  order_ref: ref,
  type: 'order',
  amount_minor: '1250',
  currency: 'EUR',
  payer: 'cust-42',
  payee: 'shop-7',
});

function call(path: string, body?: object, { provider = 'opal', timeoutMs = 5000, key = KEY } = {}) {
  const url = `${world.simulator.providers[provider]}${path}`;
  return world.call(url, body ? 'POST' : 'GET', body, timeoutMs, { 'x-api-key': key });
}
const place = (ref: string, more: object = {}, options = {}) =>
  call('/v2/orders', { ...orderOf(ref), ...more }, options);
const ask = (ref: string, options = {}) => call(`/v2/orders/${encodeURIComponent(ref)}`, undefined, options);
const reached = (ref: string, ...states: string[]) =>
  eventually(
    () => ask(ref),
    (answer) => states.includes(answer.json.state),
  );
const silence = { name: 'TimeoutError' };

describe('an order', () => {
  test('is accepted, worked on, and executed; nobody is called back', async () => {
    expect(await place('o-1')).toMatchObject({ status: 202, json: { order_ref: 'o-1', state: 'accepted' } });
    const { json } = await reached('o-1', 'executed');
    const truth = await world.truthOf('o-1');
    expect(json).toEqual({
      order_ref: 'o-1',
      state: 'executed',
      provider_id: expect.stringMatching(/^opal-/),
      accepted_at: truth.received_at,
      amount_minor: '1250',
      currency: 'EUR',
      reason: null,
    });
    expect(truth).toMatchObject({ reference: 'o-1', provider: 'opal', executions: 1, outcome: 'succeeded' });
    expect(new Set(truth.answers.map(({ what }) => what))).toEqual(new Set(['inquiry']));
    expect(world.receiver.received).toEqual([]);
  });

  test('passes through its states in order', async () => {
    await fault('frozen_backlog', { to: new Date(Date.now() + 800).toISOString() });
    await place('o-2');
    const seen = new Set<string>();
    await eventually(
      async () => seen.add((await ask('o-2')).json.state),
      () => seen.has('executed'),
    );
    expect(['accepted', 'processing', 'executed'].filter((state) => seen.has(state))).toEqual([...seen]);
    expect([...seen][0]).toBe('accepted');
  });

  test('that is declined says why', async () => {
    await place('o-3', {}, { provider: 'flint' });
    const { json } = await eventually(
      () => ask('o-3', { provider: 'flint' }),
      (answer) => answer.json.state === 'declined',
    );
    expect(json.reason).toMatch(/^[A-Z]{2}0\d$/);
    expect(await world.truthOf('o-3')).toMatchObject({ executions: 0, outcome: 'failed' });
  });

  test('taken before is a 409 with the same body, and is not worked on again', async () => {
    expect((await place('o-4')).status).toBe(202);
    for (let n = 0; n < 3; n += 1) {
      expect(await place('o-4')).toMatchObject({
        status: 409,
        json: { order_ref: 'o-4', state: 'accepted' },
      });
    }
    await reached('o-4', 'executed');
    expect(await world.truthOf('o-4')).toMatchObject({ executions: 1 });
  });

  test('without an amount', async () => {
    expect((await place('o-5', { amount_minor: null, currency: null })).status).toBe(202);
    expect((await reached('o-5', 'executed')).json).toMatchObject({ amount_minor: null, currency: null });
  });

  test('that nobody placed is unknown', async () => {
    expect(await ask('o-none')).toMatchObject({
      status: 404,
      json: { error: 'unknown_order', order_ref: 'o-none' },
    });
  });

  test.each<[string, object]>([
    ['no reference', { order_ref: undefined }],
    ['a number as amount', { amount_minor: 1250 }],
    ['an amount without its currency', { currency: null }],
    ['an unknown field', { color: 'red' }],
  ])('with %s is refused and not recorded', async (_what, more) => {
    expect((await place('bad', more)).status).toBe(400);
    expect((await world.truth()).some(({ slip_id }) => slip_id === 'bad')).toBe(false);
  });

  test.each([
    ['POST', '/v2/orders', orderOf('o-key')],
    ['GET', '/v2/orders/o-key', undefined],
    ['GET', '/v2/statements/2026-11-26', undefined],
  ])('%s %s needs the key', async (_method, path, body) => {
    expect(await call(path, body, { key: 'another-key-0001' })).toMatchObject({ status: 401 });
    expect((await world.truth()).some(({ slip_id }) => slip_id === 'o-key')).toBe(false);
  });
});

test('a rule can match who pays: all that an order tells of the slip beside its id', async () => {
  await fault('reject', { match: { account: '^payer-.*-reject$' } });
  await place('o-match', { payer: 'payer-1-reject' });
  await place('o-other', { payer: 'payer-2-usual' });
  await place('o-nobody', { payer: null });
  expect((await reached('o-match', 'declined', 'executed')).json.state).toBe('declined');
  for (const ref of ['o-other', 'o-nobody'])
    expect((await reached(ref, 'declined', 'executed')).json.state).toBe('executed');
});

describe('a statement', () => {
  test('has a line per order that was worked on that day, with the amount that moved', async () => {
    await world.rules({ fault: 'amount_changed', match: { reference: '^st-2$' } });
    for (const ref of ['st-1', 'st-2', 'st,"3']) {
      await place(ref);
      await reached(ref, 'executed');
    }
    await place('st-4', {}, { provider: 'flint' });
    const truth = await eventually(
      () => world.truthOf('st-4'),
      (row: TruthRow) => row.outcome !== null,
    );
    const day = truth.received_at.slice(0, 10);
    const { headers, text } = await call(`/v2/statements/${day}`);
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    const [head, ...lines] = text.split('\r\n');
    expect(head).toBe('order_ref,provider_id,state,amount_minor,currency,booked_at');
    const ofThese = lines.filter((line) => /^"?st/.test(line));
    expect(ofThese).toEqual([
      expect.stringMatching(/^st-1,opal-[0-9a-f]{16},executed,1250,EUR,\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      expect.stringMatching(/^st-2,opal-[0-9a-f]{16},executed,1250,EUR,/),
      expect.stringMatching(/^"st,""3",opal-[0-9a-f]{16},executed,1250,EUR,/),
    ]);
    expect(text.endsWith('\r\n')).toBe(true);
    const declined = await call(`/v2/statements/${day}`, undefined, { provider: 'flint' });
    expect(declined.text).toMatch(/\r\nst-4,flint-[0-9a-f]{16},declined,1250,EUR,/);
    expect((await call('/v2/statements/2020-01-01')).text).toBe(`${head}\r\n`);
    expect((await call('/v2/statements/yesterday')).status).toBe(400);
  });
});

describe('faults', () => {
  test.each<[Fault, number]>([
    ['error_500_before_work', 500],
    ['redirect', 302],
    ['throttle_429', 429],
  ])('%s: nothing is done, and the order can be placed again', async (name, status) => {
    await fault(name);
    const ref = `nd-${name}`;
    expect((await place(ref)).status).toBe(status);
    expect((await ask(ref)).status).toBe(404);
    await world.rules();
    expect((await place(ref)).status).toBe(202);
    await reached(ref, 'executed');
    expect(await world.truthOf(ref)).toMatchObject({ executions: 1 });
  });

  test('each try is another decision, though an order does not number them', async () => {
    await fault('error_500_before_work', { rate: 0.5 });
    const tries = await Promise.all(
      Array.from({ length: 12 }, async (_, n) => {
        let count = 0;
        await eventually(
          async () => {
            count += 1;
            return (await place(`try-${n}`)).status;
          },
          (status) => status === 202,
        );
        return count;
      }),
    );
    expect(Math.min(...tries)).toBe(1);
    expect(Math.max(...tries)).toBeGreaterThan(1);
  });

  test('timeout_before_work and timeout_after_work: silence, and the question tells', async () => {
    await fault('timeout_before_work');
    await expect(place('tb', {}, { timeoutMs: 150 })).rejects.toMatchObject(silence);
    expect((await ask('tb')).status).toBe(404);
    await fault('timeout_after_work');
    await expect(place('ta', {}, { timeoutMs: 150 })).rejects.toMatchObject(silence);
    await reached('ta', 'executed');
    expect((await place('ta', {}, { timeoutMs: 150 }).catch((error) => error)).name).toBe('TimeoutError');
    await world.rules();
    expect((await place('ta')).status).toBe(409);
    expect(await world.truthOf('ta')).toMatchObject({ executions: 1 });
  });

  test('executes_late: unknown first, executed later', async () => {
    await fault('executes_late');
    await expect(place('xl', {}, { timeoutMs: 150 })).rejects.toMatchObject(silence);
    expect((await ask('xl')).status).toBe(404);
    await reached('xl', 'executed');
  });

  test('reject: accepted, then declined without being tried', async () => {
    await fault('reject');
    expect((await place('rj')).status).toBe(202);
    expect((await reached('rj', 'declined')).json).toMatchObject({ reason: 'AC04' });
    expect(await world.truthOf('rj')).toMatchObject({ executions: 0, outcome: 'failed' });
  });

  test('amount_changed, currency_changed and zero_amount_failure are told by the question', async () => {
    for (const [name, told] of [
      ['amount_changed', { state: 'executed', amount_minor: '1251', currency: 'EUR' }],
      ['currency_changed', { state: 'executed', amount_minor: '1250', currency: 'JPY' }],
      ['zero_amount_failure', { state: 'declined', amount_minor: '0', currency: 'EUR' }],
    ] as const) {
      await fault(name);
      await place(name);
      expect((await reached(name, told.state)).json).toMatchObject(told);
    }
  });

  test.each<Fault>([
    'lost_callback',
    'duplicate_callback',
    'late_callback',
    'forged_callback',
    'reordered_callback',
    'contradicting_callback',
  ])('%s changes nothing: there are no callbacks', async (name) => {
    await fault(name);
    expect((await place(name)).status).toBe(202);
    await reached(name, 'executed');
    expect((await world.truthOf(name)).answers.every(({ what }) => what === 'inquiry')).toBe(true);
    expect(world.receiver.received).toEqual([]);
  });

  test('garbage_body, slow_drip and not_found_early', async () => {
    await fault('garbage_body');
    expect(await place('gb')).toMatchObject({ status: 200, json: undefined });
    await fault('slow_drip');
    expect(await place('sd')).toMatchObject({ status: 202, json: { state: 'accepted' } });
    await fault('not_found_early');
    expect((await place('nf')).status).toBe(202);
    expect((await ask('nf')).status).toBe(404);
    for (const ref of ['gb', 'sd', 'nf']) await reached(ref, 'executed');
  });
});
