import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { encodeInbound, topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';
import { type IntakeUnderTest, intakeUnderTest } from './intake-under-test.ts';
import { type Answer, call, expectProblem, goodBody, patiently, post } from './requests.ts';

let intake: IntakeUnderTest;
let service: Service;
let other: Service;
let shop: string;
const people: Record<string, string> = {};
let n = 0;

beforeAll(async () => {
  intake = await intakeUnderTest();
  service = await intake.start();
  other = await intake.start();
  shop = await intake.token('shop', 'slips:write reviews:read reviews:write');
  for (const name of ['ann', 'bob']) people[name] = await intake.token(name, 'reviews:read reviews:write');
}, 120_000);
afterAll(async () => intake.stop(), 60_000);

const key = () => ({ 'idempotency-key': `k-${++n}` });
const payout = (reference: string, amount = '1000', more: object = {}) => ({
  ...{ ...goodBody, reference, kind: 'payout', route: 'payouts' },
  amount: { amount, currency: 'EUR' },
  ...more,
});
async function submitted(reference: string, amount?: string, more: object = {}): Promise<string> {
  const answer = await patiently(() =>
    post(service, shop, payout(reference, amount, more), { 'idempotency-key': reference }),
  );
  expect(answer).toMatchObject({ status: 202, body: { status: 'in_review' } });
  return String(answer.body.id);
}
const review = (
  slipId: string,
  verb: string,
  who: string,
  body?: object,
  headers: Record<string, string> = key(),
  on = service,
) => call(on, people[who] ?? shop, `/v1/reviews/${slipId}/${verb}`, body, headers);
const get = async (path: string): Promise<Answer> => {
  const answer = await fetch(`${service.url}${path}`, { headers: { authorization: `Bearer ${people.ann}` } });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answer['body'] };
};
const eventsOf = (slipId: string, count: number) =>
  waitFor(
    () => {
      const events = intake.events.filter((one) => one.slipId === slipId);
      return events.length >= count ? events : null;
    },
    { what: `${count} events of ${slipId}` },
  );
const typesOf = async (slipId: string, count: number) =>
  (await eventsOf(slipId, count)).map(({ event }) => event.type);

test('a payout that the rules name waits for one person, and goes on with a deadline that counts from then', async () => {
  const first = await post(service, shop, payout('one-1'), { 'idempotency-key': 'one-1' });
  expect(first).toMatchObject({ status: 202, body: { status: 'in_review' } });
  expect(first.headers.get('etag')).toBe('"2"');
  const slipId = String(first.body.id);
  const [asked, requested] = await eventsOf(slipId, 2);
  expect(asked).toMatchObject({ event: { type: 'SlipSubmitted', data: { reviewRequired: true } } });
  expect(requested).toMatchObject({
    event: { type: 'ReviewRequested', data: { rules: ['review_amount'], approvals: 1 } },
  });
  expect(first.headers.get('slip-position')).toBe(
    `/slipstream/intake:${requested!.partition}:${requested!.sequence}`,
  );
  const again = await post(other, shop, payout('one-1'), { 'idempotency-key': 'one-1' });
  expect(again).toMatchObject({ status: 202, body: first.body });
  expect(again.headers.get('slip-position')).toBe(first.headers.get('slip-position'));

  const approveKey = key();
  const approved = await review(
    slipId,
    'approve',
    'ann',
    { note: 'as agreed' },
    { ...approveKey, 'if-match': '"2"' },
  );
  expect(approved).toMatchObject({ status: 200, body: { id: slipId, status: 'submitted' } });
  expect(approved.headers.get('etag')).toBe('"3"');
  expect((await review(slipId, 'approve', 'ann', { note: 'as agreed' }, approveKey, other)).body).toEqual(
    approved.body,
  );
  expectProblem(
    await review(slipId, 'approve', 'ann', { note: 'else' }, approveKey),
    422,
    'idempotency_key_reused',
  );
  const [, , went] = await eventsOf(slipId, 3);
  const { data } = went!.event as { data: { by: string; note: string; deadline: string } };
  expect(data).toMatchObject({ by: 'ann', note: 'as agreed' });
  const before = (asked!.event.data as { deadline: string }).deadline;
  expect(data.deadline < before && data.deadline > went!.time).toBe(true);
  expectProblem(
    await call(service, shop, `/v1/slips/${slipId}/withdraw`, undefined, key()),
    409,
    'already_submitted',
  );
  expectProblem(await review(slipId, 'decline', 'bob', { reason: 'other' }), 409, 'conflict');
});

test('below the threshold, and of another kind, nobody is asked', async () => {
  for (const body of [payout('below', '999'), payout('order', '5000', { kind: 'order' })])
    expect(await post(service, shop, body, key())).toMatchObject({
      status: 202,
      body: { status: 'submitted' },
    });
});

test('above the second threshold two people approve, and neither is who submitted it', async () => {
  const slipId = await submitted('two-1', '5000');
  expectProblem(await review(slipId, 'approve', 'shop'), 403, 'same_person');
  expect(await review(slipId, 'approve', 'ann')).toMatchObject({
    status: 200,
    body: { status: 'in_review' },
  });
  expectProblem(await review(slipId, 'approve', 'ann'), 403, 'same_person');
  expect(await review(slipId, 'approve', 'bob')).toMatchObject({
    status: 200,
    body: { status: 'submitted' },
  });
  expect(await typesOf(slipId, 4)).toEqual([
    'SlipSubmitted',
    'ReviewRequested',
    'ApprovalGiven',
    'SlipApproved',
  ]);
  expect((await get(`/v1/reviews/${slipId}`)).body).toMatchObject({
    ...{ status: 'approved', maker: 'shop', approved_by: ['ann', 'bob'], decided_by: 'bob' },
    ...{ rules: ['review_amount', 'review_second_person'], age_ms: null },
  });
});

test('what must hold holds in the store, whoever writes there', async () => {
  const slipId = await submitted('store-1', '5000');
  const set = (values: string) =>
    intake.database.query(`update review set ${values} where slip_id = $1`, [slipId]);
  const approved = `status = 'approved', decided_by = 'ann'`;
  for (const [values, constraint] of [
    [`claimed_by = 'shop'`, 'review_is_not_claimed_by_its_maker'],
    [`first_approver = 'shop'`, 'review_is_not_approved_by_its_maker'],
    [`first_approver = 'ann', second_approver = 'ann'`, 'review_is_approved_by_two_people'],
    [approved, 'review_is_approved_by_enough'],
    [`${approved}, first_approver = 'ann'`, 'review_is_approved_by_enough'],
    [`status = 'declined', decided_by = 'shop'`, 'review_is_not_declined_by_its_maker'],
    [`status = 'declined'`, 'review_that_ended_names_who_ended_it'],
  ] as const)
    await expect(set(values)).rejects.toMatchObject({ constraint });
  expect((await review(slipId, 'decline', 'ann', { reason: 'duplicate' })).status).toBe(200);
  await expect(set(`status = 'open', decided_by = null`)).rejects.toThrow('stays so');
  await expect(intake.database.query('delete from review where slip_id = $1', [slipId])).rejects.toThrow(
    'stays so',
  );
});

test('a slip that is declined ends with a reason, and one that is taken back with its caller’s', async () => {
  const declined = await submitted('declined-1');
  expect((await review(declined, 'claim', 'ann')).body).toMatchObject({ status: 'in_review' });
  expectProblem(await review(declined, 'claim', 'ann'), 409, 'conflict');
  expectProblem(await review(declined, 'release', 'bob'), 409, 'conflict');
  const same = key();
  for (let times = 0; times < 2; times++)
    expect(await review(declined, 'release', 'ann', undefined, same)).toMatchObject({ status: 200 });
  expect((await get(`/v1/reviews/${declined}`)).body).toMatchObject({ claimed_by: null, status: 'open' });
  const answer = await review(declined, 'decline', 'bob', { reason: 'wrong_payee', detail: 'who is that?' });
  expect(answer).toMatchObject({ status: 200, body: { status: 'declined' } });
  expect(await typesOf(declined, 5)).toContain('ReviewReleased');
  expect((await eventsOf(declined, 5)).at(-1)).toMatchObject({
    event: { type: 'SlipDeclined', data: { by: 'bob', reason: 'wrong_payee', detail: 'who is that?' } },
  });
  const back = await submitted('back-1');
  const withdrawn = await call(service, shop, `/v1/slips/${back}/withdraw`, { reason: 'not needed' }, key());
  expect(withdrawn).toMatchObject({ status: 200, body: { status: 'withdrawn' } });
  expectProblem(await review(back, 'approve', 'ann'), 409, 'conflict');
  expect((await get(`/v1/reviews/${back}`)).body).toMatchObject({
    ...{ status: 'withdrawn', decided_by: 'shop', detail: 'not needed' },
  });
});

test('of an approval, a decline and a withdrawal at once one holds', async () => {
  for (let round = 0; round < 5; round++) {
    const slipId = await submitted(`race-${round}`);
    const answers = await Promise.all([
      review(slipId, 'approve', 'ann'),
      review(slipId, 'decline', 'bob', { reason: 'other' }, key(), other),
      call(other, shop, `/v1/slips/${slipId}/withdraw`, undefined, key()),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(await typesOf(slipId, 3)).toHaveLength(3);
  }
});

test('what nobody decided in time is declined once, with a reason of its own', async () => {
  const slipIds = await Promise.all(Array.from({ length: 6 }, (_, i) => submitted(`late-${i}`)));
  await intake.database.query('update review set due_at = now() where slip_id = any($1)', [slipIds]);
  expectProblem(await review(slipIds[0]!, 'approve', 'ann'), 409, 'conflict');
  // Another slip wakes each instance.
  await Promise.all([service, other].map((on, i) => post(on, shop, payout(`wake-${i}`), key())));
  for (const slipId of slipIds) {
    expect((await eventsOf(slipId, 3)).map(({ event }) => event.type)).toEqual([
      'SlipSubmitted',
      'ReviewRequested',
      'SlipDeclined',
    ]);
    expect((await get(`/v1/reviews/${slipId}`)).body).toMatchObject({
      ...{ status: 'declined', decided_by: 'intake', reason: 'review_deadline' },
    });
  }
});

test('a draft that people must approve waits for them once it is confirmed', async () => {
  const draft = await post(service, shop, payout('draft-1', '1000', { confirm: false }), key());
  const slipId = String(draft.body.id);
  const same = key();
  for (let times = 0; times < 2; times++)
    expect(await call(service, shop, `/v1/slips/${slipId}/confirm`, undefined, same)).toMatchObject({
      ...{ status: 202, body: { status: 'in_review' } },
    });
  expect(await typesOf(slipId, 3)).toEqual(['SlipDrafted', 'SlipSubmitted', 'ReviewRequested']);
  expect((await get(`/v1/reviews/${slipId}`)).headers.get('etag')).toBe('"3"');
  expect(await review(slipId, 'approve', 'ann', undefined, { ...key(), 'if-match': '"3"' })).toMatchObject({
    ...{ status: 200 },
  });
});

test('a command from the bus is reviewed by the same rules', async () => {
  const { reference, amount } = { reference: 'bus-1', amount: { amount: 1000n, currency: 'EUR' } };
  const data = {
    ...{ reference, kind: 'payout' as const, account: 'cust-42', counterparty: 'shop-7', amount },
    ...{ route: 'payouts', deadline: null, metadata: {} },
  };
  const head = {
    id: randomUUID(),
    caller: '/shop',
    clock: 'wall',
    time: null,
    traceparent: '',
    subject: 'any',
  };
  await intake.producer.sendBatch([
    {
      topic: topics.commands.name,
      partition: partitionOf(reference, topics.commands.partitions),
      key: reference,
      value: Buffer.from(encodeInbound({ ...head, command: { type: 'SubmitSlip', data } })),
    },
  ]);
  const [event] = await intake.eventsOf(reference);
  expect(await typesOf(event!.slipId, 2)).toEqual(['SlipSubmitted', 'ReviewRequested']);
  expect(await review(event!.slipId, 'approve', 'ann')).toMatchObject({
    status: 200,
    body: { status: 'submitted' },
  });
});

describe('the queue', () => {
  test('shows what waits, the oldest first, in pages that lead to each other', async () => {
    const slipIds: string[] = [];
    for (let i = 0; i < 5; i++) slipIds.push(await submitted(`queue-${i}`, '1500', { account: 'queue' }));
    await review(slipIds[1]!, 'claim', 'ann');
    await review(slipIds[4]!, 'decline', 'ann', { reason: 'policy' });
    const first = await get('/v1/reviews?account=queue&page_size=3');
    const idsOf = ({ body }: Answer) => (body.data as { id: string }[]).map(({ id }) => id);
    expect(idsOf(first)).toEqual(slipIds.slice(0, 3));
    expect((first.body.data as object[])[0]).toMatchObject({
      ...{
        reference: 'queue-0',
        amount: { amount: '1500', currency: 'EUR' },
        status: 'open',
        claimed_by: null,
      },
      ...{ age_ms: expect.any(Number), approvals_needed: 1, approved_by: [], version: 2 },
    });
    expect(first.body.previous).toBeNull();
    const second = await get(`/v1/reviews?account=queue&page_size=3&cursor=${first.body.next}`);
    expect(idsOf(second)).toEqual([slipIds[3]]);
    expect(second.body.next).toBeNull();
    const back = await get(`/v1/reviews?account=queue&page_size=3&cursor=${second.body.previous}`);
    expect(idsOf(back)).toEqual(slipIds.slice(0, 3));
    expect(idsOf(await get('/v1/reviews?account=queue&claimed_by=ann'))).toEqual([slipIds[1]]);
    expect(idsOf(await get('/v1/reviews?account=queue&status=declined'))).toEqual([slipIds[4]]);
    expect(idsOf(await get('/v1/reviews?account=queue&maker=nobody'))).toEqual([]);
  });

  test('names what is wrong with a question or a command', async () => {
    const slipId = await submitted('wrong-1');
    expectProblem(await get('/v1/reviews?state=open'), 400, 'malformed_request');
    expectProblem(await get('/v1/reviews?status=done'), 400, 'malformed_request');
    expectProblem(await get('/v1/reviews?cursor=abc'), 400, 'cursor_invalid');
    expectProblem(await get('/v1/reviews/nonsense'), 404, 'not_found');
    expectProblem(await review(slipId, 'decline', 'ann', {}), 422, 'validation_failed');
    expectProblem(
      await review(slipId, 'decline', 'ann', { reason: 'review_deadline' }),
      422,
      'validation_failed',
    );
    expectProblem(
      await review(slipId, 'decline', 'ann', { reason: 'other', why: 1 }),
      400,
      'malformed_request',
    );
    expectProblem(await review(slipId, 'approve', 'ann', {}, {}), 400, 'idempotency_key_missing');
    expectProblem(await review(randomUUID(), 'approve', 'ann'), 404, 'not_found');
    expectProblem(
      await review(slipId, 'approve', 'ann', {}, { ...key(), 'if-match': '"1"' }),
      412,
      'version_mismatch',
    );
    const reader = await intake.token('eve', 'reviews:read');
    expectProblem(
      await call(service, reader, `/v1/reviews/${slipId}/approve`, undefined, key()),
      403,
      'forbidden',
    );
  });
});
