import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encodeInbound, type SubmitSlip, sources, topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';
import { type IntakeUnderTest, intakeUnderTest } from './intake-under-test.ts';
import { type Answer, call, expectProblem, goodBody, patiently, post } from './requests.ts';

let intake: IntakeUnderTest;
let service: Service;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  intake = await intakeUnderTest('duplicates: { window_ms: 3600000 }\n');
  for (const name of ['shop', 'ann', 'bob', 'ops'])
    tokens[name] = await intake.token(name, 'slips:write reviews:read reviews:write accounts:write');
}, 120_000);
afterAll(() => intake?.stop(), 60_000);

let amount = 1000;
/** Each with an amount of its own: none repeats another. */
const wish = (reference: string, more: object = {}) => {
  return { ...goodBody, reference, amount: { amount: String(++amount), currency: 'EUR' }, ...more };
};
const payout = (reference: string, more: object = {}) =>
  wish(reference, { kind: 'payout', route: 'payouts', ...more });
const twoPeople = { amount: { amount: '7000', currency: 'EUR' } };

const keyed = (key: string) => ({ 'idempotency-key': `"${key}"` });
async function submit(body: ReturnType<typeof wish>): Promise<Answer> {
  const answer = await patiently(() => post(service, tokens.shop!, body, keyed(body.reference)));
  expect(answer).toMatchObject({ status: 202 });
  return answer;
}
async function act(who: string, path: string, body?: object): Promise<Answer> {
  const answer = await patiently(() => call(service, tokens[who]!, path, body, keyed(path)));
  expect([path, answer.body, answer.status < 300]).toEqual([path, answer.body, true]);
  return answer;
}

const command: SubmitSlip = {
  ...{ reference: '', kind: 'payment', account: 'cust-42', counterparty: 'shop-7', route: 'default' },
  ...{ amount: { amount: 77n, currency: 'EUR' }, deadline: null, metadata: {} },
};
const sendCommand = (id: string, reference: string, of: bigint) => {
  const data = { ...command, reference, amount: { amount: of, currency: 'EUR' } };
  const head = { id, caller: '/bus', clock: 'wall', time: null, traceparent: '', subject: 'any' };
  const value = Buffer.from(encodeInbound({ ...head, command: { type: 'SubmitSlip', data } }));
  const partition = partitionOf(reference, topics.commands.partitions);
  return intake.producer.sendBatch([{ topic: topics.commands.name, partition, key: reference, value }]);
};

/** All that intake keeps of slips and accounts, but the times of its own clock. */
async function rows(): Promise<Record<string, unknown[]>> {
  const asked = {
    slips: 'select slip_id, caller, reference, clock, status, version, command_id from slip order by slip_id',
    answers: `select caller, operation, key, digest, slip_id, event_partition, event_seq, event_at, status, version
       from idempotency where operation in ('submit', 'confirm') order by operation, key`,
    drafts: 'select slip_id, submission::jsonb, remind_at, expires_at from draft order by slip_id',
    reviews: "select to_jsonb(r) - 'requested_at' as review from review r order by slip_id",
    refusals: 'select * from refused_command order by command_id',
    accounts: "select to_jsonb(a) - 'changed_at' as account from account_status a order by account",
    windows: 'select account, slip_id, business, adds from recent_slip order by slip_id',
  };
  const found = Object.entries(asked).map(async ([name, sql]) => {
    return [name, (await intake.database.query(sql)).rows] as const;
  });
  return Object.fromEntries(await Promise.all(found));
}

const isSent = async () => {
  const { rows: found } = await intake.database.query(
    'select 1 from sequencer s join relay r using (topic, partition) where r.sent_seq < s.next_seq - 1',
  );
  return found.length === 0;
};

test('yesterday’s database gets its events back from the log: every slip, key, draft, review and refusal is as it was', async () => {
  service = await intake.start();
  await submit(wish('old'));
  const [toConfirm, toWithdraw] = [wish('d-1', { confirm: false }), wish('d-2', { confirm: false })];
  const drafts = [await submit(toConfirm), await submit(toWithdraw)].map(({ body }) => body.id);
  const asked = [payout('r-1'), payout('r-2', twoPeople), payout('r-3'), payout('r-4')];
  const reviews: unknown[] = [];
  for (const one of asked) reviews.push((await submit(one)).body.id);
  await service.stop();
  await intake.copyAside();

  service = await intake.start();
  const lost = [wish('n-1'), wish('n-2', { confirm: false }), payout('n-3')];
  const first = await Promise.all(lost.map(submit));
  const confirmed = await act('shop', `/v1/slips/${drafts[0]}/confirm`);
  await act('shop', `/v1/slips/${drafts[1]}/withdraw`, { reason: 'changed my mind' });
  await act('ann', `/v1/reviews/${reviews[0]}/claim`);
  await act('ann', `/v1/reviews/${reviews[0]}/approve`, { note: 'fine' });
  await act('bob', `/v1/reviews/${reviews[1]}/approve`, { note: 'first' });
  await act('bob', `/v1/reviews/${reviews[2]}/decline`, { reason: 'policy', detail: 'no' });
  await act('ann', `/v1/reviews/${first[2]!.body.id}/claim`);
  await sendCommand('c-1', 'bus-1', 71n);
  await intake.eventsOf('bus-1', 1);
  await sendCommand('c-2', 'bus-1', 72n);
  await intake.eventsOf('bus-1', 2);
  await waitFor(isSent, { what: 'all to be sent' });
  const before = await rows();
  await service.stop();
  await intake.putBack();

  service = await intake.start();
  expect(await rows()).toEqual(before);

  const again = await Promise.all(lost.map(submit));
  expect(again.map(({ body }) => body)).toEqual(first.map(({ body }) => body));
  expect(again.map(({ headers }) => headers.get('idempotent-replayed'))).toEqual(['true', 'true', 'true']);
  const other = await post(service, tokens.shop!, { ...lost[0]!, account: 'cust-43' }, keyed('n-1'));
  expectProblem(other, 422, 'idempotency_key_reused');
  const confirmedAgain = await act('shop', `/v1/slips/${drafts[0]}/confirm`);
  expect(confirmedAgain.body).toEqual(confirmed.body);
  // What was under way goes on: the second person, and the deadline that counts from the approval.
  await act('ann', `/v1/reviews/${reviews[1]}/approve`, { note: 'second' });
  await act('bob', `/v1/reviews/${first[2]!.body.id}/approve`, { note: 'fine' });
  await sendCommand('c-1', 'bus-1', 71n);
  await sendCommand('c-2', 'bus-1', 72n);
  await sendCommand('c-3', 'bus-1', 73n);
  const told = await intake.eventsOf('bus-1', 3);
  expect(told.map(({ event }) => event.type)).toEqual(['SlipSubmitted', 'SlipRejected', 'SlipRejected']);

  await waitFor(isSent, { what: 'all to be sent' });
  const own = intake.events.filter(({ source }) => source === sources.intake);
  for (const some of Object.values(Object.groupBy(own, ({ partition }) => partition)))
    expect(some!.map(({ sequence }) => Number(sequence))).toEqual(some!.map((_, index) => index + 1));
}, 180_000);
