import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Fault, RuleInput } from '../src/index.ts';
import { eventually, World } from './support.ts';

let world: World;
beforeAll(async () => {
  world = await World.start({ limits: { dripIntervalMs: 1 } }, { acceptance_delay_max_ms: 1500 });
});
afterAll(() => world.stop());
beforeEach(() => world.rules());

const fault = (name: Fault, more: Partial<RuleInput> = {}) => world.rules({ fault: name, ...more });
const given = (slipId: string, provider = 'acme') => world.submit(slipId, provider);
const givenUp = (slipId: string, provider = 'acme') => world.submit(slipId, provider, {}, 150);
const silence = { name: 'TimeoutError' };
const lost = (what: string) => [expect.objectContaining({ what, outcome: 'succeeded', delivered_at: null })];

describe('without a fault', () => {
  test('async: acknowledged, then the outcome by signed callback', async () => {
    const reply = await world.submit('a-1');
    expect(reply).toMatchObject({ status: 202, json: { status: 'pending' } });
    const truth = await eventually(
      () => world.truthOf('a-1'),
      (row) => row.answers.some((answer) => answer.delivered_at !== null),
    );
    expect(truth).toMatchObject({
      reference: 'ref-a-1',
      provider: 'acme',
      executions: 1,
      outcome: 'succeeded',
    });
    expect(truth.answers).toEqual([expect.objectContaining({ what: 'callback', outcome: 'succeeded' })]);
    const callback = world.receiver.received.filter((one) => one.data.slip_id === 'a-1').at(-1);
    expect(callback).toMatchObject({
      genuine: true,
      data: {
        slip_id: 'a-1',
        reference: 'ref-a-1',
        provider_id: reply.json.provider_id,
        status: 'succeeded',
        reason: null,
        amount: { amount: '1250', currency: 'EUR' },
      },
    });
  });

  test('sync: the outcome in the reply, and no callback', async () => {
    const reply = await world.submit('s-1', 'bolt');
    expect(reply).toMatchObject({ status: 200, json: { status: 'succeeded', reason: null } });
    const { answers, executions } = await world.truthOf('s-1');
    expect(executions).toBe(1);
    expect(answers).toEqual([{ ...answers[0], what: 'reply', delivered_at: expect.any(String) }]);
  });

  test('an inquiry tells the outcome, or that nothing is known', async () => {
    expect(await world.inquire('a-none')).toMatchObject({
      status: 404,
      json: { slip_id: 'a-none', status: 'not_found' },
    });
    await world.submit('a-2');
    await world.final('a-2');
    expect(await world.inquire('a-2')).toMatchObject({ status: 200, json: { status: 'succeeded' } });
    const { answers } = await world.truthOf('a-2');
    expect(answers.filter((answer) => answer.what === 'inquiry' && answer.delivered_at)).toHaveLength(1);
  });
});

describe('faults before the work', () => {
  test('timeout_before_work: silence, nothing done', async () => {
    await fault('timeout_before_work');
    await expect(givenUp('tb')).rejects.toMatchObject(silence);
    expect(await world.inquire('tb')).toMatchObject({ status: 404 });
    expect(await world.truthOf('tb')).toMatchObject({ executions: 0, outcome: null, answers: [] });
  });

  test('error_500_before_work', async () => {
    await fault('error_500_before_work');
    expect(await given('eb')).toMatchObject({ status: 500 });
    expect(await world.truthOf('eb')).toMatchObject({ executions: 0, outcome: null, answers: [] });
  });

  test('reject: a final answer, not executed', async () => {
    await fault('reject');
    expect(await given('rj')).toMatchObject({ status: 422, json: { status: 'rejected', reason: 'AC04' } });
    const truth = await world.final('rj');
    expect(truth).toMatchObject({ executions: 0, outcome: 'failed' });
    expect(truth.answers).toEqual([
      expect.objectContaining({ what: 'reply', outcome: 'failed', delivered_at: expect.any(String) }),
    ]);
  });

  test('redirect leads to a private address', async () => {
    await fault('redirect');
    const reply = await given('rd');
    expect(reply.status).toBe(302);
    expect(reply.headers.location).toBe('http://169.254.169.254/');
    expect(await world.truthOf('rd')).toMatchObject({ executions: 0, answers: [] });
  });

  test('throttle_429 says when to come again, and nothing is done', async () => {
    await fault('throttle_429', { delay_ms: 2500 });
    const reply = await given('th');
    expect(reply).toMatchObject({ status: 429, headers: { 'retry-after': '3' } });
    expect(await world.truthOf('th')).toMatchObject({ executions: 0, outcome: null, answers: [] });
    expect(await world.inquire('th')).toMatchObject({ status: 404 });
    await world.rules();
    expect(await world.submit('th', 'acme', { attempt: 2 })).toMatchObject({ status: 202 });
  });

  test('refuse_connection with a match destroys the socket and the provider knows nothing', async () => {
    await fault('refuse_connection', { match: { reference: '^ref-rc$' } });
    await expect(given('rc')).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
    expect((await world.truth()).some((row) => row.slip_id === 'rc')).toBe(false);
    expect(await given('rc-other')).toMatchObject({ status: 202 });
  });
});

describe('faults after the work', () => {
  test.each([
    ['acme', 'callback'],
    ['bolt', 'reply'],
  ])('timeout_after_work at %s: executed, the %s lost, the inquiry knows', async (provider, what) => {
    await fault('timeout_after_work');
    await expect(givenUp(`ta-${provider}`, provider)).rejects.toMatchObject(silence);
    const truth = await world.final(`ta-${provider}`);
    expect(truth).toMatchObject({ executions: 1, outcome: 'succeeded', answers: lost(what) });
    expect(await world.inquire(`ta-${provider}`, provider)).toMatchObject({ json: { status: 'succeeded' } });
    expect(world.receiver.statuses(`ta-${provider}`)).toEqual([]);
  });

  test('timeout_after_work with delay_ms calls back after all', async () => {
    await fault('timeout_after_work', { delay_ms: 200 });
    await expect(givenUp('tad')).rejects.toMatchObject(silence);
    const truth = await eventually(
      () => world.truthOf('tad'),
      (row) => row.answers.length > 0,
    );
    expect(Date.parse(truth.answers[0]?.at ?? '') - Date.parse(truth.received_at)).toBeGreaterThanOrEqual(
      199,
    );
    await eventually(
      () => world.receiver.statuses('tad'),
      (statuses) => statuses.length === 1,
    );
  });

  test('executes_late: not found first, executed later, no callback', async () => {
    await fault('executes_late');
    await expect(givenUp('xl')).rejects.toMatchObject(silence);
    expect(await world.inquire('xl')).toMatchObject({ status: 404 });
    expect(await world.truthOf('xl')).toMatchObject({ executions: 0, outcome: null });
    const found = await eventually(
      () => world.inquire('xl'),
      (answer) => answer.json.status === 'succeeded',
    );
    expect(found.status).toBe(200);
    expect(await world.truthOf('xl')).toMatchObject({ executions: 1, outcome: 'succeeded' });
    expect(world.receiver.statuses('xl')).toEqual([]);
  });

  test('error_500_after_work', async () => {
    await fault('error_500_after_work');
    expect(await given('ea', 'bolt')).toMatchObject({ status: 500 });
    expect(await world.final('ea')).toMatchObject({ executions: 1, answers: lost('reply') });
  });

  test('garbage_body: 200 and no JSON', async () => {
    await fault('garbage_body');
    const reply = await given('gb');
    expect(reply).toMatchObject({ status: 200, json: undefined });
    expect(await world.final('gb')).toMatchObject({ executions: 1, answers: lost('callback') });
  });

  test('amount_changed: answers claim one minor unit more', async () => {
    await fault('amount_changed');
    const claimed = { amount: { amount: '1251', currency: 'EUR' } };
    expect((await given('ac', 'bolt')).json).toMatchObject(claimed);
    await given('ac-2');
    await world.final('ac-2');
    expect((await world.inquire('ac-2')).json).toMatchObject(claimed);
  });

  test('currency_changed: answers claim as much of another currency', async () => {
    await fault('currency_changed');
    expect((await given('cc', 'bolt')).json).toMatchObject({ amount: { amount: '1250', currency: 'JPY' } });
    expect(await world.final('cc')).toMatchObject({ executions: 1 });
  });

  test.each(['acme', 'bolt'])('zero_amount_failure at %s: failed, and 0 named', async (provider) => {
    await fault('zero_amount_failure');
    const slipId = `za-${provider}`;
    await given(slipId, provider);
    expect(await world.final(slipId)).toMatchObject({ executions: 0, outcome: 'failed' });
    expect((await world.inquire(slipId, provider)).json).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/^[A-Z]{2}0\d$/),
      amount: { amount: '0', currency: 'EUR' },
    });
  });

  test('slow_drip: the reply comes byte by byte and counts when it is whole', async () => {
    await fault('slow_drip');
    const reply = await world.submit('sd', 'bolt');
    expect(reply.json).toMatchObject({ status: 'succeeded' });
    const [answer] = (await world.truthOf('sd')).answers;
    const tookMs = Date.parse(answer?.delivered_at ?? '') - Date.parse(answer?.at ?? '');
    expect(tookMs).toBeGreaterThanOrEqual(reply.text.length - 1);
    await expect(world.submit('sd-2', 'bolt', {}, 40)).rejects.toMatchObject(silence);
    expect((await world.truthOf('sd-2')).answers).toMatchObject([{ what: 'reply', delivered_at: null }]);
  });
});

describe('faults of callbacks', () => {
  const arrived = (slipId: string, count: number) =>
    eventually(
      () => world.receiver.received.filter((one) => one.data.slip_id === slipId),
      (callbacks) => callbacks.length >= count,
    );

  test.each(['acme', 'bolt'])('lost_callback at %s: acknowledged, executed, never told', async (provider) => {
    await fault('lost_callback');
    const slipId = `lc-${provider}`;
    expect(await given(slipId, provider)).toMatchObject({ status: 202 });
    expect(await world.final(slipId)).toMatchObject({ executions: 1, answers: lost('callback') });
    expect(await world.inquire(slipId, provider)).toMatchObject({ json: { status: 'succeeded' } });
    expect(world.receiver.statuses(slipId)).toEqual([]);
  });

  test('duplicate_callback: twice, under two ids', async () => {
    await fault('duplicate_callback');
    await given('dc');
    const callbacks = await arrived('dc', 2);
    expect(callbacks.map((one) => one.status)).toEqual(['succeeded', 'succeeded']);
    expect(new Set(callbacks.map((one) => one.id)).size).toBe(2);
    expect(await world.truthOf('dc')).toMatchObject({ executions: 1 });
  });

  test('late_callback: known to inquiries before', async () => {
    await fault('late_callback', { delay_ms: 4000 });
    await given('late');
    await world.final('late');
    expect(await world.inquire('late')).toMatchObject({ json: { status: 'succeeded' } });
    expect(world.receiver.statuses('late')).toEqual([]);
    await arrived('late', 1);
  });

  test('forged_callback: a false one with a wrong signature comes first and is no answer', async () => {
    await fault('forged_callback');
    await given('fc');
    const callbacks = await arrived('fc', 2);
    expect(callbacks).toMatchObject([
      { genuine: false, status: 'failed' },
      { genuine: true, status: 'succeeded' },
    ]);
    expect((await world.truthOf('fc')).answers).toMatchObject([{ what: 'callback', outcome: 'succeeded' }]);
  });

  test('reordered_callback: progress after the outcome', async () => {
    await fault('reordered_callback');
    await given('ro');
    expect((await arrived('ro', 2)).map((one) => one.status)).toEqual(['succeeded', 'in_progress']);
  });

  test('contradicting_callback: the true one, then its opposite, both signed', async () => {
    await fault('contradicting_callback', { delay_ms: 40 });
    await given('co');
    const callbacks = await arrived('co', 2);
    expect(callbacks).toMatchObject([
      { genuine: true, status: 'succeeded' },
      { genuine: true, status: 'failed', data: { reason: 'AC04' } },
    ]);
    expect(new Set(callbacks.map((one) => one.id)).size).toBe(2);
    const [first, second] = callbacks.map((one) => Date.parse(String(one.data.at)));
    expect(second! - first!).toBeGreaterThanOrEqual(39);
    const truth = await world.truthOf('co');
    expect(truth).toMatchObject({ executions: 1, outcome: 'succeeded' });
    expect(truth.answers.map(({ outcome }) => outcome)).toEqual(['succeeded', 'failed']);
    expect((await world.inquire('co')).json).toMatchObject({ status: 'succeeded' });
  });

  test('not_found_early: executed, and unknown to inquiries for a while', async () => {
    await fault('not_found_early');
    expect(await given('nf')).toMatchObject({ status: 202 });
    expect(await world.final('nf')).toMatchObject({ executions: 1, answers: lost('callback') });
    expect(await world.inquire('nf')).toMatchObject({ status: 404, json: { status: 'not_found' } });
    await eventually(
      () => world.inquire('nf'),
      (answer) => answer.status === 200,
    );
    expect(world.receiver.statuses('nf')).toEqual([]);
  });
});

describe('faults of time', () => {
  test.each(['acme', 'bolt'])(
    'frozen_backlog at %s: taken at once, worked off at the end',
    async (provider) => {
      const ends = new Date(Date.now() + 1_500).toISOString();
      await fault('frozen_backlog', { to: ends });
      const slipId = `fb-${provider}`;
      expect(await given(slipId, provider)).toMatchObject({ status: 202 });
      expect(await world.inquire(slipId, provider)).toMatchObject({ json: { status: 'pending' } });
      expect(await world.truthOf(slipId)).toMatchObject({ executions: 0, outcome: null });
      const truth = await eventually(
        () => world.truthOf(slipId),
        (row) => row.answers.some((answer) => answer.delivered_at !== null),
      );
      expect(truth).toMatchObject({ executions: 1, outcome: 'succeeded' });
      const answer = truth.answers.find(({ what }) => what === 'callback');
      expect(Date.parse(answer!.at)).toBeGreaterThanOrEqual(Date.parse(ends) - 1);
    },
  );

  test('slow_inquiry: told late, about its slips alone, and submissions are as usual', async () => {
    await world.rules({ fault: 'slow_inquiry', match: { reference: '^ref-si$' }, delay_ms: 300 });
    expect(await given('si')).toMatchObject({ status: 202 });
    await world.final('si');
    await expect(world.inquire('si')).resolves.toMatchObject({ json: { status: 'succeeded' } });
    await expect(inquireGivenUp('si', 100)).rejects.toMatchObject(silence);
    const { answers } = await eventually(
      () => world.truthOf('si'),
      (row) => row.answers.filter(({ what }) => what === 'inquiry').length === 2,
    );
    expect(answers.filter(({ what, delivered_at }) => what === 'inquiry' && delivered_at)).toHaveLength(1);
    await expect(inquireGivenUp('unknown', 2_000)).resolves.toMatchObject({ status: 404 });
  });

  test('slow_inquiry beside another fault: each decides its own', async () => {
    await world.rules({ fault: 'slow_inquiry', delay_ms: 60_000 }, { fault: 'reject' });
    expect(await given('sr')).toMatchObject({ status: 422 });
    await expect(inquireGivenUp('sr', 100)).rejects.toMatchObject(silence);
  });
});

function inquireGivenUp(slipId: string, timeoutMs: number) {
  return world.call(`${world.simulator.providers.acme}/slips/${slipId}`, 'GET', undefined, timeoutMs);
}

describe('a cancellation by the caller’s reference', () => {
  const cancel = (slipId: string) =>
    world.call(`${world.simulator.providers.acme}/slips/${slipId}/cancel`, 'POST');

  test('of what was never heard of is confirmed, and whatever comes of it later is refused', async () => {
    expect(await cancel('c-1')).toMatchObject({ status: 200, json: { slip_id: 'c-1', status: 'cancelled' } });
    expect(await world.inquire('c-1')).toMatchObject({ status: 404 });
    expect(await given('c-1')).toMatchObject({ status: 422, json: { status: 'rejected' } });
    expect(await world.truthOf('c-1')).toMatchObject({ executions: 0, outcome: 'failed' });
  });

  test('of what is on its way is confirmed, and it is never executed', async () => {
    await fault('executes_late', { delay_ms: 400 });
    await expect(givenUp('c-2')).rejects.toMatchObject(silence);
    expect(await cancel('c-2')).toMatchObject({ json: { status: 'cancelled' } });
    await fault('executes_late', { delay_ms: 400 });
    await expect(givenUp('c-3')).rejects.toMatchObject(silence);
    // By then the one before would have been, too.
    await world.final('c-3');
    expect(await world.truthOf('c-2')).toMatchObject({ executions: 0, outcome: null });
  });

  test('comes too late for what was executed, though an inquiry denies it, and tells what became of it', async () => {
    await fault('not_found_early');
    await given('c-4');
    await world.final('c-4');
    expect(await world.inquire('c-4')).toMatchObject({ status: 404 });
    expect(await cancel('c-4')).toMatchObject({ status: 200, json: { status: 'succeeded' } });
    expect(await world.truthOf('c-4')).toMatchObject({ executions: 1 });
  });

  test('ignores_cancellation: confirmed, and what waits or comes later is executed all the same', async () => {
    const late: RuleInput = { fault: 'executes_late', match: { reference: '^ref-c-5$' }, delay_ms: 300 };
    await world.rules(late, { fault: 'ignores_cancellation' });
    await expect(givenUp('c-5')).rejects.toMatchObject(silence);
    for (const slipId of ['c-5', 'c-6'])
      expect(await cancel(slipId)).toMatchObject({ json: { slip_id: slipId, status: 'cancelled' } });
    expect(await given('c-6')).toMatchObject({ status: 202 });
    for (const slipId of ['c-5', 'c-6'])
      expect(await world.final(slipId)).toMatchObject({ executions: 1, outcome: 'succeeded' });
    expect(await cancel('c-5')).toMatchObject({ json: { status: 'succeeded' } });
  });

  test('ignores_cancellation hits the slips that its rule matches, and no submission', async () => {
    const match = { reference: '^ref-c-7$' };
    await world.rules({ fault: 'ignores_cancellation', match }, { fault: 'executes_late', delay_ms: 300 });
    for (const slipId of ['c-7', 'c-8']) {
      await expect(givenUp(slipId)).rejects.toMatchObject(silence);
      expect(await cancel(slipId)).toMatchObject({ json: { status: 'cancelled' } });
    }
    expect(await world.final('c-7')).toMatchObject({ executions: 1 });
    expect(await world.truthOf('c-8')).toMatchObject({ executions: 0, outcome: null });
  });
});
