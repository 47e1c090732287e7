import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SlipstreamPublisher } from '@slipstream/client';
import { waitFor } from '@slipstream/testing';
import { readNumbers } from '../drills/numbers.ts';
import { callBack, ScriptedProvider, secret } from './scripted-provider.ts';
import { bootStack, type TestStack } from './support.ts';

/** What happened to others who do this job, tried from outside. One stack for all; each case has slips of its own. */

let provider: ScriptedProvider;
let booted: TestStack;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  provider = await ScriptedProvider.start();
  const said = { base_url: provider.url, secret, answer_timeout_ms: 2_000, acceptance_delay_max_ms: 1_000 };
  const shared = { quiet_period_ms: 2_000, inquiry_ladder_ms: [0, 2_000, 4_000, 8_000] };
  booted = await bootStack({
    rules: [
      // It is not asked before the deadline unless something makes us.
      { path: ['providers', 'scripted'], value: { ...said, poll_ladder_ms: [] } },
      { path: ['providers', 'patient'], value: { ...said, failures_final: false } },
      ...['scripted', 'patient'].map((name) => ({
        path: ['routes', name],
        value: {
          ...{ mode: 'dispatched', provider: name, outcome_deadline_ms: 12_000, overdraft: true },
          ...shared,
        },
      })),
      { path: ['duplicates'], value: { window_ms: 600_000 } },
    ],
  });
  env = booted.stack.env;
}, 240_000);
afterAll(async () => {
  await booted?.stop();
  await provider?.stop();
}, 60_000);

interface Slip {
  readonly id: string;
  readonly status: string;
  readonly case: { readonly status: string } | null;
}
interface Picture extends Slip {
  readonly events: readonly string[];
  readonly transactions: readonly { readonly type: string; readonly legs: readonly string[] }[];
}

const calmDeadline = () => new Date(Date.now() + 120_000).toISOString();
const bodyOf = (reference: string, more: object = {}) => ({
  ...{ reference, kind: 'order', account: `acc-${reference}`, counterparty: 'shop-7', route: 'scripted' },
  amount: { amount: '1000', currency: 'EUR' },
  ...more,
});

async function submit(body: { reference: string }, key = body.reference) {
  const answer = await fetch(`${env.INTAKE_URL}/v1/slips`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${env.TOKEN_PUBLISHER}`,
      'content-type': 'application/json',
      'idempotency-key': `"${key}"`,
    },
    body: JSON.stringify(body),
  });
  return {
    status: answer.status,
    headers: answer.headers,
    body: (await answer.json()) as { id: string; code?: string; slip_id?: string },
  };
}

async function read<T>(url: string): Promise<T | null> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${env.TOKEN_ADMIN}` } });
  return answer.status === 200 ? ((await answer.json()) as T) : null;
}
const slip = (id: string) => read<Slip>(`${env.LEDGER_URL}/v1/slips/${id}`);

async function picture(id: string): Promise<Picture> {
  type Shown = { data: { type: string }[] };
  type Booked = {
    data: { type: string; postings: { account: string; direction: string; amount: { amount: string } }[] }[];
  };
  const [shown, events, transactions] = await Promise.all([
    slip(id),
    read<Shown>(`${env.LEDGER_URL}/v1/slips/${id}/events?page_size=200`),
    read<Booked>(`${env.LEDGER_URL}/v1/transactions?slip=${id}`),
  ]);
  return {
    ...shown!,
    events: events!.data.map(({ type }) => type.split('.').at(-2)!),
    transactions: transactions!.data.map(({ type, postings }) => ({
      type,
      legs: postings.map((leg) => `${leg.account} ${leg.direction} ${leg.amount.amount}`),
    })),
  };
}

/** A picture of the slip for which this holds. */
function until(id: string, what: string, holds: (picture: Picture) => boolean): Promise<Picture> {
  return waitFor(
    async () => {
      const now = await picture(id);
      return holds(now) ? now : null;
    },
    { what, intervalMs: 200 },
  );
}
const reaches = (id: string, ...statuses: string[]) =>
  until(id, `${id} to be ${statuses.join(' or ')}`, ({ status }) => statuses.includes(status));

/** Submits with a deadline far away, and waits until the provider has it. */
async function given(reference: string, more: object = {}): Promise<string> {
  const { status, body } = await submit(bodyOf(reference, { deadline: calmDeadline(), ...more }));
  expect(status).toBe(202);
  await provider.received(body.id);
  return body.id;
}

const told = (slipId: string, data: object, by = 'scripted') =>
  callBack(env.GATEWAY_URL!, by, { slip_id: slipId, reason: null, ...data });
const eur = (amount: string) => ({ amount, currency: 'EUR' });
const count = ({ events }: Picture, type: string) => events.filter((one) => one === type).length;
const kinds = ({ transactions }: Picture) => transactions.map(({ type }) => type).toSorted();

/** Both answers stand on the slip, and a case says what they are. */
async function contradicted(id: string): Promise<{ readonly now: Picture; readonly reasons: string }> {
  const now = await until(
    id,
    'a case about two answers',
    (one) => one.case?.status === 'open' && count(one, 'returned') === 2,
  );
  const { reasons } = (await read<{ reasons: object[] }>(`${env.RECONCILIATION_URL}/v1/cases/${id}`))!;
  return { now, reasons: JSON.stringify(reasons) };
}

/** What came and has no slip, as it is shown to people. */
const unmatched = async (query: string) =>
  (await read<{ data: { reason: string; slip_id: string | null; reference: string | null }[] }>(
    `${env.GATEWAY_URL}/v1/unmatched?${query}`,
  ))!.data;

/** Everything that was sent before has been read: what follows it on this way has its effect. */
async function marked(name: string): Promise<void> {
  const id = await given(`mark-${name}`);
  await told(id, { status: 'succeeded', provider_id: `mark-${name}`, amount: eur('1000') });
  await reaches(id, 'settled');
}

const named = (caller: string) => new SlipstreamPublisher({ brokers: env.KAFKA_BROKERS!.split(','), caller });
const command = (reference: string, more: object = {}) => ({
  ...{ reference, kind: 'order' as const, account: `acc-${reference}`, counterparty: 'shop-7' },
  ...{ route: 'import', metadata: {}, amount: { amount: 1_000n, currency: 'EUR' } },
  deadline: new Date(Date.now() + 60_000).toISOString().replace('Z', '000Z'),
  ...more,
});
const byReference = async (reference: string) =>
  (await read<{ data: (Slip & { amount: { amount: string } })[] }>(
    `${env.LEDGER_URL}/v1/slips?reference=${reference}`,
  ))!.data;

describe('an answer that comes more than once', () => {
  test('four times at once, two of them under one id: one return, one settlement', async () => {
    const id = await given('c02');
    const data = { slip_id: id, status: 'succeeded', reason: null, provider_id: 'c02', amount: eur('1000') };
    const same = { id: 'msg_c02' };
    const statuses = await Promise.all([
      callBack(env.GATEWAY_URL!, 'scripted', data, same),
      callBack(env.GATEWAY_URL!, 'scripted', data, same),
      callBack(env.GATEWAY_URL!, 'scripted', data),
      callBack(env.GATEWAY_URL!, 'scripted', data),
    ]);
    expect(statuses).toEqual([202, 202, 202, 202]);
    await reaches(id, 'settled');
    await marked('c02');
    const now = await picture(id);
    expect([count(now, 'returned'), now.transactions.length]).toEqual([1, 2]);
  });

  test('over the callback while the reply is on its way, or never comes: one return, one call, no alarm', async () => {
    const early: number[] = [];
    const done = { status: 'succeeded', amount: eur('1000') };
    provider.script('c22', {
      post: async ({ slipId, say }) => {
        early.push(await told(slipId, { ...done, provider_id: 'c22' }));
        say(202, { status: 'pending', provider_id: 'c22' });
      },
    });
    provider.script('c22b', {
      post: async ({ slipId }) => {
        early.push(await told(slipId, { ...done, provider_id: 'c22b' }));
      },
    });
    for (const reference of ['c22', 'c22b']) {
      const id = await given(reference);
      const now = await reaches(id, 'settled');
      expect([count(now, 'returned'), count(now, 'overdue'), provider.calls(id)]).toEqual([1, 0, 1]);
    }
    expect(early).toEqual([202, 202]);
  });
});

describe('answers that contradict each other', () => {
  test('a decline, then a success: never paid twice, the late success is claimed and a case is open', async () => {
    const id = await given('c03');
    await told(id, { status: 'failed', reason: 'card_declined', provider_id: 'c03' });
    await reaches(id, 'refunded');
    await told(id, { status: 'succeeded', provider_id: 'c03', amount: eur('1000') });
    const now = await until(
      id,
      'a case',
      (one) => one.case?.status === 'open' && one.transactions.length === 3,
    );
    expect(now.status).toBe('conflicted');
    expect(kinds(now)).toEqual(['compensate', 'hold', 'refund']);
  });

  test('a decline of a provider whose failures are not final, then a success in time: paid, without a case', async () => {
    const id = await given('c03-patient', { route: 'patient' });
    await told(id, { status: 'failed', reason: 'card_declined', provider_id: 'c03-p' }, 'patient');
    await told(id, { status: 'succeeded', provider_id: 'c03-p', amount: eur('1000') }, 'patient');
    const now = await reaches(id, 'settled');
    expect([now.case, kinds(now), count(now, 'returned')]).toEqual([null, ['hold', 'settle'], 1]);
  });

  test('a payout that was paid and comes back from the payee’s bank: both are told, and a case is open', async () => {
    const id = await given('c05', { kind: 'payout', counterparty: 'vendor-9' });
    await told(id, { status: 'succeeded', provider_id: 'c05', amount: eur('1000') });
    await reaches(id, 'settled');
    const at = new Date(Date.now() + 1_000).toISOString();
    expect(await told(id, { status: 'failed', reason: 'AC04', provider_id: 'c05', at })).toBe(202);
    const { now, reasons } = await contradicted(id);
    expect(kinds(now)).toEqual(expect.arrayContaining(['hold', 'settle']));
    expect(reasons).toMatch(/AC04/);
  });

  test('an older decline behind a success leaves it settled, and a case is open', async () => {
    const id = await given('c04');
    await told(id, { status: 'succeeded', provider_id: 'c04', amount: eur('1000') });
    await reaches(id, 'settled');
    const at = new Date(Date.now() - 60_000).toISOString();
    expect(await told(id, { status: 'failed', reason: 'card_declined', provider_id: 'c04', at })).toBe(202);
    const { now } = await contradicted(id);
    expect([now.status, kinds(now)]).toEqual(['settled', ['hold', 'settle']]);
  });

  test('a refund and a chargeback behind it give the money back once', async () => {
    const id = await given('c25');
    await told(id, { status: 'failed', reason: 'AM04', provider_id: 'c25' });
    await reaches(id, 'refunded');
    expect(
      await told(id, { status: 'void', reason: 'chargeback', provider_id: 'c25', amount: eur('1000') }),
    ).toBe(202);
    await marked('c25');
    expect(kinds(await picture(id))).toEqual(['hold', 'refund']);
  });

  test('given up on and given back, then paid after all: compensated, a case, one call', async () => {
    provider.script('c31', {
      post: ({ request }) => void request.socket.destroy(),
      get: ({ say }) => say(404, { status: 'not_found' }),
    });
    const { body } = await submit(bodyOf('c31', { deadline: new Date(Date.now() + 8_000).toISOString() }));
    await reaches(body.id, 'refunded');
    await told(body.id, { status: 'succeeded', provider_id: 'c31', amount: eur('1000') });
    const now = await until(
      body.id,
      'a case',
      (one) => one.status === 'conflicted' && one.case?.status === 'open',
    );
    expect([kinds(now), provider.calls(body.id)]).toEqual([['compensate', 'hold', 'refund'], 1]);
  });
});

describe('an amount that is not the slip’s', () => {
  test.each([
    ['in another currency', 'c12', { amount: '1000', currency: 'JPY' }, '1000 JPY'],
    ['above the hold', 'c13', eur('1500'), '15.00 EUR'],
  ])('%s settles nothing by itself: a case is open', async (_, reference, amount, shown) => {
    const id = await given(reference);
    await told(id, { status: 'succeeded', provider_id: reference, amount });
    const now = await until(id, 'a case', (one) => one.case?.status === 'open');
    expect(kinds(now)).toEqual(['hold']);
    const { summary } = (await read<{ summary: string }>(`${env.RECONCILIATION_URL}/v1/cases/${id}`))!;
    expect(summary).toContain(`moved ${shown}`);
    expect(summary).toContain('asked for 10.00 EUR');
  });

  test('in two parts: the first is settled, the second is told, and a case names both', async () => {
    const id = await given('c11');
    await told(id, { status: 'succeeded', provider_id: 'c11-a', amount: eur('400') });
    await until(id, 'the first part', (one) => kinds(one).includes('settle'));
    expect(await told(id, { status: 'succeeded', provider_id: 'c11-b', amount: eur('600') })).toBe(202);
    const { reasons } = await contradicted(id);
    expect(reasons).toMatch(/\b4\.00 EUR/);
    expect(reasons).toMatch(/\b6\.00 EUR/);
  });

  test('above the hold a moment after the deadline: the case stays open behind the verdict', async () => {
    const deadline = new Date(Date.now() + 5_000);
    const { body } = await submit(bodyOf('c13b', { deadline: deadline.toISOString() }));
    await provider.received(body.id);
    await waitFor(() => Date.now() > deadline.getTime(), { what: 'the deadline', intervalMs: 1 });
    await told(body.id, { status: 'succeeded', provider_id: 'c13b', amount: eur('1500') });
    await until(body.id, 'the verdict', (one) => count(one, 'overdue') === 1 && count(one, 'returned') === 1);
    await marked('c13b');
    const now = await until(body.id, 'a case', (one) => one.case?.status === 'open');
    expect(kinds(now)).toEqual(['hold']);
  });
});

describe('a callback that is not for us', () => {
  test('of another provider about this slip, and about no slip at all, has no effect, and is shown', async () => {
    const { body } = await submit(bodyOf('c14', { route: 'cumulus', deadline: calmDeadline() }));
    const statuses = await Promise.all([
      told(body.id, { status: 'succeeded', provider_id: 'x', amount: eur('1') }),
      told('019b0000-0000-7000-8000-000000000000', { status: 'succeeded', provider_id: 'y' }),
    ]);
    expect(statuses).toEqual([202, 202]);
    const now = await reaches(body.id, 'settled', 'refunded');
    expect(now.transactions.flatMap(({ legs }) => legs).filter((leg) => leg.endsWith(' 1'))).toEqual([]);
    const shown = await unmatched('kind=callback&sender=scripted');
    expect(shown).toContainEqual(expect.objectContaining({ slip_id: body.id, reason: 'other_provider' }));
    expect(shown).toContainEqual(expect.objectContaining({ reason: 'unknown_slip' }));
  });

  test('with a signature ten minutes old is refused; what it told is found by asking at once', async () => {
    provider.script('c16', {
      get: ({ say }) => say(200, { status: 'succeeded', provider_id: 'c16', amount: eur('1000') }),
    });
    const id = await given('c16');
    await reaches(id, 'acknowledged');
    const data = { slip_id: id, status: 'succeeded', reason: null, provider_id: 'c16' };
    const at = new Date(Date.now() - 600_000);
    expect(await callBack(env.GATEWAY_URL!, 'scripted', data, { at })).toBe(401);
    // Its deadline is far away: nothing else makes us ask.
    expect(count(await reaches(id, 'settled'), 'overdue')).toBe(0);
  });

  test.each([
    ['behind', -86_400_000],
    ['ahead', 86_400_000],
  ])('a provider’s clock that is a day %s changes nothing: what counts is when news came', async (_, ms) => {
    const id = await given(`clock${ms}`);
    const at = new Date(Date.now() + ms).toISOString();
    await told(id, { status: 'succeeded', provider_id: `clock${ms}`, amount: eur('1000'), at });
    const now = await reaches(id, 'settled');
    expect([count(now, 'overdue'), now.case]).toEqual([0, null]);
  });
});

describe('the same wish again', () => {
  test('twenty equal requests at once are one slip and one call; with another time stamp in the body 422', async () => {
    const body = bodyOf('c17b', {
      deadline: calmDeadline(),
      metadata: { clicked_at: '2026-11-25T10:00:00.000Z' },
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => submit(body)));
    expect(new Set(answers.map((one) => `${one.status} ${one.body.id}`)).size).toBe(1);
    const changed = await submit({
      ...body,
      metadata: { clicked_at: '2026-11-25T10:00:12.000Z' },
    } as typeof body);
    expect([changed.status, changed.body.code]).toEqual([422, 'idempotency_key_reused']);
    const { id } = answers[0]!.body;
    await provider.received(id);
    await marked('c17b');
    expect(provider.calls(id)).toBe(1);
  });

  test('under a fresh key and reference while the first is open: not sent, and the first is named', async () => {
    const account = 'acc-c17';
    const first = await given('c17-a', { account });
    const again = await submit(bodyOf('c17-b', { account, deadline: calmDeadline() }));
    expect([again.status, again.body]).toMatchObject([409, { code: 'business_duplicate', slip_id: first }]);
    const other = await given('c17-c', { account, amount: eur('999') });
    expect([provider.calls(first), provider.calls(other)]).toEqual([1, 1]);
  });

  test('while nobody knows what became of the first call: replayed or refused, on every way in, and executed once', async () => {
    const account = 'acc-c17d';
    provider.script('c17d', {
      post: ({ request }) => void request.socket.destroy(),
      get: ({ say }) => say(200, { status: 'pending' }),
    });
    const body = bodyOf('c17d', { account, deadline: calmDeadline() });
    const { id } = (await submit(body)).body;
    await reaches(id, 'unknown');

    const replayed = await submit(body);
    expect([replayed.status, replayed.body.id]).toEqual([202, id]);
    const newKey = await submit(body, 'c17d-other-key');
    expect([newKey.status, newKey.body]).toMatchObject([409, { code: 'reference_taken', slip_id: id }]);
    const afresh = await submit(bodyOf('c17d-again', { account, deadline: calmDeadline() }));
    expect([afresh.status, afresh.body]).toMatchObject([409, { code: 'business_duplicate', slip_id: id }]);
    const bus = named('/cases/c17d');
    await bus.submitSlip(command('c17d-bus', { account, route: 'scripted' })).finally(() => bus.stop());
    const [overBus] = await waitFor(
      async () => {
        const found = await byReference('c17d-bus');
        return found.length > 0 ? found : null;
      },
      { what: 'the answer to the command' },
    );
    expect(overBus!.status).toBe('rejected');

    await told(id, { status: 'succeeded', provider_id: 'c17d', amount: eur('1000') });
    const now = await reaches(id, 'settled');
    expect([count(now, 'returned'), kinds(now), provider.calls(id)]).toEqual([1, ['hold', 'settle'], 1]);
  });

  test('a payout that was refused for good is replayed, and pays nothing again', async () => {
    const body = bodyOf('c18', { kind: 'payout', counterparty: 'vendor-8', deadline: calmDeadline() });
    const { id } = (await submit(body)).body;
    await provider.received(id);
    await told(id, { status: 'failed', reason: 'AC04', provider_id: 'c18' });
    await reaches(id, 'refunded');
    const again = await submit(body);
    expect([again.status, again.body.id, again.headers.get('idempotent-replayed')]).toEqual([
      202,
      id,
      'true',
    ]);
    const newKey = await submit(body, 'c18-other-key');
    expect([newKey.status, newKey.body.code]).toEqual([409, 'reference_taken']);
    await marked('c18');
    expect([provider.calls(id), (await slip(id))!.status]).toEqual([1, 'refunded']);
  });
});

describe('a provider that does not end it', () => {
  test('pending to every question: a case, the money stays held, one call', async () => {
    const { body } = await submit(bodyOf('c19', { deadline: new Date(Date.now() + 6_000).toISOString() }));
    const now = await until(body.id, 'a case', (one) => one.case?.status === 'open');
    expect([kinds(now), provider.calls(body.id)]).toEqual([['hold'], 1]);
    expect(provider.questions(body.id)).toBeGreaterThan(1);
  });
});

describe('the bus', () => {
  const report = (reference: string) => ({
    ...{ reference, step: 'returned' as const, outcome: 'succeeded' as const, progress: '', reason: null },
    ...{
      amount: { amount: 1_000n, currency: 'EUR' },
      providerReference: `${reference}-p`,
      providerTime: null,
    },
  });
  const settled = (reference: string) =>
    waitFor(async () => (await byReference(reference))[0]?.status === 'settled', { what: 'the settlement' });

  test('a result that comes together with its command settles it', async () => {
    const publisher = named('/cases/c26');
    try {
      await Promise.all([
        publisher.reportProviderResult(report('c26')),
        publisher.submitSlip(command('c26')),
      ]);
      await settled('c26');
    } finally {
      await publisher.stop();
    }
  });

  test('a result that came so long before its command that none was expected any more settles it', async () => {
    const publisher = named('/cases/c26');
    try {
      await publisher.reportProviderResult(report('c26-gap'));
      const isGivenUp = async () =>
        (await unmatched('kind=report&reason=no_slip')).some(({ reference }) => reference === 'c26-gap');
      await waitFor(isGivenUp, { what: 'the report to have no slip' });
      await publisher.submitSlip(command('c26-gap'));
      await settled('c26-gap');
      expect(await unmatched('kind=report&reason=no_slip')).toEqual([]);
    } finally {
      await publisher.stop();
    }
  });

  test('the same reference with another amount changes nothing of the first slip, and is refused', async () => {
    const publisher = named('/cases/c24');
    try {
      await publisher.submitSlips([
        command('c24'),
        command('c24', { amount: { amount: 99_900n, currency: 'EUR' } }),
      ]);
      const found = await waitFor(
        async () => {
          const slips = await byReference('c24');
          return slips.length === 2 ? slips : null;
        },
        { what: 'both answers' },
      );
      const told = found.map(({ status, amount }) => (status === 'rejected' ? status : amount.amount));
      expect(told.toSorted()).toEqual(['1000', 'rejected']);
    } finally {
      await publisher.stop();
    }
  });
});

test('after all of it no number is missing and none was used twice', async () => {
  const numbers = await waitFor(
    async () => {
      const found = await readNumbers(env.KAFKA_BROKERS!.split(','));
      return found.missing === 0 ? found : null;
    },
    { what: 'the numbers', intervalMs: 500 },
  );
  expect(numbers).toMatchObject({ reused: 0, missing: 0 });
});
