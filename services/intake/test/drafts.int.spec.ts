import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isUuid } from '@slipstream/kernel';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';
import { type IntakeUnderTest, intakeUnderTest, ledgerUrl } from './intake-under-test.ts';
import { type Answer, call, expectProblem, goodBody, patiently, post } from './requests.ts';

let intake: IntakeUnderTest;
let service: Service;
let other: Service;
let token: string;
let n = 0;

beforeAll(async () => {
  intake = await intakeUnderTest();
  service = await intake.start();
  other = await intake.start();
  token = await intake.token('shop');
}, 120_000);
afterAll(async () => intake.stop(), 60_000);

const key = () => ({ 'idempotency-key': `k-${++n}` });
const draftBody = (reference: string, more: object = {}) => ({
  ...goodBody,
  reference,
  confirm: false,
  ...more,
});
const id = ({ body }: Answer) => String(body.id);

async function drafted(reference: string, more: object = {}): Promise<string> {
  const answer = await patiently(() =>
    post(service, token, draftBody(reference, more), { 'idempotency-key': reference }),
  );
  expect(answer.status).toBe(202);
  return id(answer);
}
const act = (
  slipId: string,
  verb: string,
  headers: Record<string, string> = key(),
  body?: object,
  on = service,
) => call(on, token, `/v1/slips/${slipId}/${verb}`, body, headers);
const typesOf = async (slipId: string, count: number) => {
  const found = await waitFor(
    () => {
      const events = intake.events.filter((one) => one.slipId === slipId);
      return events.length >= count ? events : null;
    },
    { what: `${count} events of ${slipId}` },
  );
  return found.map(({ event }) => event.type);
};

test('a draft is kept, confirmed and submitted, and every repeat gets its first answer', async () => {
  const first = await post(service, token, draftBody('life-1'), { 'idempotency-key': 'life-1' });
  expect(first).toMatchObject({
    status: 202,
    body: { status: 'draft', reference: 'life-1', submitted_at: null },
  });
  expect(isUuid(id(first))).toBe(true);
  expect(first.headers.get('etag')).toBe('"1"');
  expect(await typesOf(id(first), 1)).toEqual(['SlipDrafted']);

  const confirmKey = key();
  const confirmed = await act(id(first), 'confirm', { ...confirmKey, 'if-match': '"1"' });
  expect(confirmed).toMatchObject({
    status: 202,
    body: { id: id(first), reference: 'life-1', status: 'submitted' },
  });
  expect(confirmed.headers.get('etag')).toBe('"2"');
  expect(confirmed.headers.get('location')).toBe(`${ledgerUrl}/v1/slips/${id(first)}`);
  const [, submitted] = await intake.eventsOf('life-1', 2);
  expect(submitted).toMatchObject({
    event: { type: 'SlipSubmitted', data: { caller: 'shop', account: 'cust-42', amount: { amount: 1250n } } },
  });
  expect(confirmed.headers.get('slip-position')).toBe(
    `/slipstream/intake:${submitted!.partition}:${submitted!.sequence}`,
  );
  expect(confirmed.body.submitted_at).toBe(submitted!.time);

  for (const on of [service, other]) {
    const again = await act(id(first), 'confirm', { ...confirmKey, 'if-match': '"1"' }, undefined, on);
    expect(again).toMatchObject({ status: 202, body: confirmed.body });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('etag')).toBe('"2"');
    const draft = await post(on, token, draftBody('life-1'), { 'idempotency-key': 'life-1' });
    expect(draft).toMatchObject({ status: 202, body: first.body });
  }
  expect(await typesOf(id(first), 2)).toEqual(['SlipDrafted', 'SlipSubmitted']);
});

test('what was submitted is final', async () => {
  const { body } = await post(service, token, { ...goodBody, reference: 'final-1' }, key());
  for (const verb of ['withdraw', 'confirm'])
    expectProblem(await act(String(body.id), verb), 409, 'already_submitted');
  const draft = await drafted('final-2');
  await act(draft, 'confirm');
  expectProblem(await act(draft, 'withdraw'), 409, 'already_submitted');
});

test('a draft is taken back once, with its reason, and is nothing else afterwards', async () => {
  const slipId = await drafted('back-1');
  const withdrawKey = key();
  const withdrawn = await act(slipId, 'withdraw', withdrawKey, { reason: 'changed my mind' });
  expect(withdrawn).toMatchObject({
    status: 200,
    body: { status: 'withdrawn', changed_at: expect.any(String) },
  });
  expect(await act(slipId, 'withdraw', withdrawKey, { reason: 'changed my mind' })).toMatchObject({
    ...{ status: 200, body: withdrawn.body },
  });
  expectProblem(
    await act(slipId, 'withdraw', withdrawKey, { reason: 'another' }),
    422,
    'idempotency_key_reused',
  );
  expectProblem(await act(slipId, 'withdraw'), 409, 'conflict');
  expectProblem(await act(slipId, 'confirm'), 409, 'conflict');
  expect(await typesOf(slipId, 2)).toEqual(['SlipDrafted', 'SlipWithdrawn']);
  expect(intake.events.filter((one) => one.slipId === slipId).at(-1)!.event.data).toEqual({
    ...{ by: 'shop', reason: 'changed my mind' },
  });
  // The reference stays the draft's.
  expectProblem(
    await post(service, token, { ...goodBody, reference: 'back-1' }, key()),
    409,
    'reference_taken',
  );
});

test('a draft and a submission of the same are two requests', async () => {
  const body = { ...goodBody, reference: 'two-1' };
  expect((await post(service, token, { ...body, confirm: false }, { 'idempotency-key': 'two' })).status).toBe(
    202,
  );
  expectProblem(
    await post(service, token, body, { 'idempotency-key': 'two' }),
    422,
    'idempotency_key_reused',
  );
});

test('of many who confirm at once under one key one submits, and all get its answer', async () => {
  const slipId = await drafted('many-1');
  const same = key();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      patiently(() => act(slipId, 'confirm', same, undefined, i % 2 ? service : other)),
    ),
  );
  expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
  expect(answers[0]!.status).toBe(202);
  expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
  expect(await typesOf(slipId, 2)).toEqual(['SlipDrafted', 'SlipSubmitted']);
});

test('of one who confirms and one who withdraws one wins, and the other is told so', async () => {
  for (let round = 0; round < 5; round++) {
    const slipId = await drafted(`race-${round}`);
    const [confirmed, withdrawn] = await Promise.all([
      act(slipId, 'confirm'),
      act(slipId, 'withdraw', key(), undefined, other),
    ]);
    expect([
      [202, 409],
      [409, 200],
    ]).toContainEqual([confirmed.status, withdrawn.status]);
    expect(await typesOf(slipId, 2)).toHaveLength(2);
  }
});

describe('a command that cannot be carried out', () => {
  test('names what is wrong', async () => {
    const slipId = await drafted('wrong-1');
    expectProblem(await act(slipId, 'confirm', {}), 400, 'idempotency_key_missing');
    expectProblem(await act(slipId, 'confirm', key(), { now: true }), 400, 'malformed_request');
    expectProblem(await act(slipId, 'withdraw', key(), { reason: 7 }), 422, 'validation_failed');
    expectProblem(await act(slipId, 'withdraw', key(), { reason: '' }), 422, 'validation_failed');
    expectProblem(await act(slipId, 'withdraw', key(), []), 422, 'validation_failed');
    expectProblem(await act(slipId, 'confirm', { ...key(), 'if-match': 'W/"1"' }), 400, 'malformed_request');
    expectProblem(await act(slipId, 'confirm', { ...key(), 'if-match': '"2"' }), 412, 'version_mismatch');
    expectProblem(await act('nonsense', 'confirm'), 404, 'not_found');
    expectProblem(await act('019aaaaa-0000-7000-8000-000000000001', 'confirm'), 404, 'not_found');
    const stranger = await intake.token('stranger');
    expectProblem(
      await call(service, stranger, `/v1/slips/${slipId}/confirm`, undefined, key()),
      404,
      'not_found',
    );
    const reader = await intake.token('shop', 'slips:read');
    expectProblem(
      await call(service, reader, `/v1/slips/${slipId}/confirm`, undefined, key()),
      403,
      'forbidden',
    );
    expect(await typesOf(slipId, 1)).toEqual(['SlipDrafted']);
  });

  test('because the rules of now refuse it leaves the draft', async () => {
    const slipId = await drafted('refused-1');
    await intake.database.query(
      `update draft set submission = replace(submission, '"route":"default"', '"route":"closed"') where slip_id = $1`,
      [slipId],
    );
    const same = key();
    for (let times = 0; times < 2; times++)
      expectProblem(await act(slipId, 'confirm', same), 422, 'route_unknown');
    expect(await act(slipId, 'withdraw')).toMatchObject({ status: 200 });
  });
});

test('a draft is reminded of once and expires once, whichever of two instances it is', async () => {
  const slipIds = await Promise.all(Array.from({ length: 12 }, (_, i) => drafted(`short-${i}`)));
  /** Time passes for them; another draft wakes each instance. */
  const pass = async (column: 'remind_at' | 'expires_at', round: string) => {
    await intake.database.query(`update draft set ${column} = now() where slip_id = any($1)`, [slipIds]);
    await Promise.all(
      [service, other].map((on, i) => post(on, token, draftBody(`wake-${round}-${i}`), key())),
    );
  };
  await pass('remind_at', 'a');
  for (const slipId of slipIds) expect(await typesOf(slipId, 2)).toEqual(['SlipDrafted', 'DraftReminderDue']);
  await pass('expires_at', 'b');
  for (const slipId of slipIds)
    expect(await typesOf(slipId, 3)).toEqual(['SlipDrafted', 'DraftReminderDue', 'DraftExpired']);
  expectProblem(await act(slipIds[0]!, 'confirm'), 409, 'conflict');
  const { rows } = await intake.database.query(
    'select distinct status, version, (select count(*)::int from draft d where d.slip_id = any($1)) as drafts from slip where slip_id = any($1)',
    [slipIds],
  );
  expect(rows).toEqual([{ status: 'expired', version: 3, drafts: 0 }]);
});
