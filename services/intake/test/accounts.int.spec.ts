import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encodeInbound, readEnvelope, topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';
import { type IntakeUnderTest, intakeUnderTest } from './intake-under-test.ts';
import { type Answer, expectProblem, goodBody, post } from './requests.ts';

let intake: IntakeUnderTest;
let service: Service;
let ops: string;
let publisher: string;
beforeAll(async () => {
  intake = await intakeUnderTest(`
clients: { requests_max: 100000, window_ms: 60000 }
payments:
  transfers: { kinds: [order], routes: [orders], methods: [sepa, card] }
`);
  service = await intake.start();
  ops = await intake.token('ops-1', 'accounts:write slips:read');
  publisher = await intake.token('shop');
});
afterAll(() => intake?.stop());

async function call(account: string, body?: object, token = ops): Promise<Answer> {
  const answer = await fetch(`${service.url}/v1/accounts/${encodeURIComponent(account)}/status`, {
    method: body ? 'PUT' : 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answer['body'] };
}

const submit = (account: string) =>
  post(
    service,
    publisher,
    { ...goodBody, account, reference: randomUUID() },
    { 'idempotency-key': randomUUID() },
  );

test.each(['x'.repeat(128), '\u{1F600}'.repeat(128), '%'.repeat(128), 'a/../b', 'a?b#c;d=e', 'a b+c'])(
  'an account can be frozen whatever name submissions may give it: %s',
  async (account) => {
    expect((await submit(account)).status).toBe(202);
    expect(await call(account, { status: 'frozen', reason: 'r' })).toMatchObject({
      status: 200,
      body: { account },
    });
    expect(await call(account)).toMatchObject({ status: 200, body: { account, status: 'frozen' } });
    expectProblem(await submit(account), 422, 'account_not_active');
  },
);

test.each(['.', '..'])('an account that no address can name is refused: %s', async (account) => {
  const refused = await submit(account);
  expectProblem(refused, 422, 'validation_failed');
  expect(refused.body).toMatchObject({ errors: [{ pointer: '/account' }] });
});

test('an account is frozen by an event that says who and why, and its slips are refused from then on', async () => {
  expect((await submit('cust-1')).status).toBe(202);
  const answer = await call('cust-1', { status: 'frozen', reason: 'fraud suspected' });
  expect(answer).toMatchObject({
    status: 200,
    body: { account: 'cust-1', status: 'frozen', reason: 'fraud suspected', actor: 'ops-1' },
  });
  const refused = await submit('cust-1');
  expectProblem(refused, 422, 'account_not_active');
  expect(refused.body).toMatchObject({ rule: 'account_frozen', errors: [{ pointer: '/account' }] });

  const reference = randomUUID();
  const data = { ...goodBody, kind: 'order' as const, account: 'cust-1', reference, deadline: null };
  const amount = { amount: 1n, currency: 'EUR' };
  const head = {
    id: 'cmd-1',
    caller: '/shop',
    clock: 'wall',
    time: null,
    traceparent: '',
    subject: reference,
  };
  const value = encodeInbound({ ...head, command: { type: 'SubmitSlip', data: { ...data, amount } } });
  const partition = partitionOf(reference, topics.commands.partitions);
  const record = { topic: topics.commands.name, partition, key: reference, value: Buffer.from(value) };
  await intake.producer.sendBatch([record]);
  const [rejected] = await intake.eventsOf(reference);
  expect(rejected!.event).toMatchObject({
    type: 'SlipRejected',
    data: { rule: 'account_frozen', field: '/account', commandId: 'cmd-1' },
  });
  // The command came without a trace: one begins with it, without a collector, too.
  const { rows } = await intake.database.query<{ body: Buffer }>(
    'select body from outbox_event where key = $1',
    [rejected!.slipId],
  );
  expect(rows.map(({ body }) => readEnvelope(body).traceparent)).toEqual([
    expect.stringMatching(/^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-00$/),
  ]);

  await call('cust-1', { status: 'frozen', reason: 'again' });
  await call('cust-1', { status: 'active', reason: 'cleared' });
  expect((await submit('cust-1')).status).toBe(202);
  const told = await waitFor(
    () => {
      const found = intake.ops.filter(({ subject }) => subject === 'cust-1');
      return found.length >= 2 ? found : null;
    },
    { what: 'the changes of the account' },
  );
  const requestId = answer.headers.get('x-request-id');
  expect(told.map(({ event }) => event)).toEqual([
    {
      type: 'AccountStatusChanged',
      data: {
        ...{ account: 'cust-1', previous: null, status: 'frozen', reason: 'fraud suspected' },
        ...{ actor: 'ops-1', requestId },
      },
    },
    {
      type: 'AccountStatusChanged',
      data: expect.objectContaining({ previous: 'frozen', status: 'active', reason: 'cleared' }),
    },
  ]);
});

test('what a payment rule does not allow is refused by its name, with a remedy in the caller’s language', async () => {
  const orderBy = (metadata: object, language: string) =>
    post(
      service,
      publisher,
      { ...goodBody, route: 'orders', reference: randomUUID(), metadata },
      {
        'idempotency-key': randomUUID(),
        'accept-language': language,
      },
    );
  const chinese = await orderBy({}, 'zh-CN, en;q=0.5');
  expectProblem(chinese, 422, 'validation_failed');
  expect(chinese.headers.get('content-language')).toBe('zh');
  expect(chinese.body).toMatchObject({
    ...{ rule: 'method_missing', rule_name: 'transfers', errors: [{ pointer: '/metadata/method' }] },
    remedy: expect.stringContaining('支付方式'),
  });
  const english = await orderBy({ method: 'cash' }, 'fr');
  expect(english.headers.get('content-language')).toBe('en');
  expect(english.body).toMatchObject({
    ...{ rule: 'method_not_allowed', remedy: expect.stringContaining('spelled as listed') },
  });
  const taken = await orderBy({ method: 'sepa' }, '');
  expect(taken.status).toBe(202);
  expect(taken.headers.get('ratelimit-policy')).toBe('"client";q=100000;w=60');
});

test('the rules that intake applies are told once', async () => {
  const told = await waitFor(
    () => {
      const found = intake.ops.filter(({ event }) => event.type === 'ConfigApplied');
      return found.length > 0 ? found : null;
    },
    { what: 'the rules to be told' },
  );
  expect(told).toMatchObject([
    { subject: 'intake', event: { data: { service: 'intake', previous: null, digest: expect.any(String) } } },
  ]);
});

test('what was said last can be read, and nothing else', async () => {
  expectProblem(await call('nobody'), 404, 'not_found');
  await call('cust-2', { status: 'closed', reason: 'left' });
  expect((await call('cust-2')).body).toMatchObject({ status: 'closed', actor: 'ops-1' });
});

test.each<[string, string, object, number, string]>([
  ['a word that is none', 'c', { status: 'open', reason: 'x' }, 422, 'validation_failed'],
  ['no reason', 'c', { status: 'frozen' }, 422, 'validation_failed'],
  ['an empty reason', 'c', { status: 'frozen', reason: ' ' }, 422, 'validation_failed'],
  ['control characters', 'c', { status: 'frozen', reason: 'a\u0007b' }, 422, 'validation_failed'],
  ['an unknown field', 'c', { status: 'frozen', reason: 'x', until: 'y' }, 400, 'malformed_request'],
  ['no name of an account', 'a\u200bb', { status: 'frozen', reason: 'x' }, 422, 'validation_failed'],
])('%s is refused', async (_, account, body, status, code) => {
  expectProblem(await call(account, body), status, code);
});

test('who may not change accounts changes none', async () => {
  expectProblem(await call('cust-3', { status: 'closed', reason: 'x' }, publisher), 403, 'forbidden');
  expectProblem(await call('cust-3'), 404, 'not_found');
});
