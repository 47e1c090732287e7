import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Service } from '@slipstream/service-host';
import { type IntakeUnderTest, intakeUnderTest } from './intake-under-test.ts';
import { type Answer, call, expectProblem, goodBody } from './requests.ts';

let intake: IntakeUnderTest;
let service: Service;
let token: string;
let n = 0;

beforeAll(async () => {
  intake = await intakeUnderTest();
  service = await intake.start();
  token = await intake.token('shop');
}, 120_000);
afterAll(async () => intake.stop(), 60_000);

interface Result {
  readonly status: number;
  readonly slip?: { id: string; reference: string; status: string; replayed: boolean; slip_position: string };
  readonly problem?: { code: string; slip_id?: string; errors?: { pointer: string }[] };
  readonly preview?: Record<string, unknown>;
}

const key = () => ({ 'idempotency-key': `b-${++n}` });
const slip = (reference: string, more: object = {}) => ({ ...goodBody, reference, ...more });
const send = (slips: unknown, headers: Record<string, string> = key(), query = '') =>
  call(service, token, `/v1/slips:batch${query}`, { slips } as object, headers);
const results = ({ body }: Answer) => body.data as Result[];
const slipsIn = async () =>
  (await intake.database.query<{ n: number }>('select count(*)::int as n from slip')).rows[0]!.n;

test('each slip gets the answer that it would get alone, in their order', async () => {
  await call(service, token, '/v1/slips', slip('taken'), key());
  const body = [
    slip('a'),
    slip('b', { kind: 'gift' }),
    slip('c', { route: 'nowhere' }),
    slip('taken'),
    slip('d', { confirm: false }),
    slip('e', { kind: 'payout', route: 'payouts' }),
    slip('a'),
    'nonsense',
    slip('f', { extra: 1 }),
  ];
  const answer = await send(body);
  expect(answer.status).toBe(200);
  expect(results(answer)).toMatchObject([
    { status: 202, slip: { reference: 'a', status: 'submitted', replayed: false } },
    { status: 422, problem: { code: 'validation_failed', errors: [{ pointer: '/kind' }] } },
    { status: 422, problem: { code: 'route_unknown' } },
    { status: 409, problem: { code: 'reference_taken', slip_id: expect.any(String) } },
    { status: 202, slip: { reference: 'd', status: 'draft' } },
    { status: 202, slip: { reference: 'e', status: 'in_review' } },
    { status: 409, problem: { code: 'reference_taken' } },
    { status: 422, problem: { code: 'validation_failed' } },
    { status: 400, problem: { code: 'malformed_request', errors: [{ pointer: '/extra' }] } },
  ]);
  const [event] = await intake.eventsOf('a');
  expect(results(answer)[0]!.slip).toMatchObject({
    id: event!.slipId,
    slip_position: `/slipstream/intake:${event!.partition}:${event!.sequence}`,
  });
});

test('a thousand slips are taken at once, and again none', async () => {
  const before = await slipsIn();
  const slips = Array.from({ length: 1_000 }, (_, i) => slip(`many-${i}`));
  const same = key();
  const first = results(await send(slips, same));
  // A full machine may refuse some for now: those alone are carried out by the repeat.
  const taken = first.filter(({ status }) => status === 202).length;
  expect(first.every(({ status }) => status === 202 || status === 503)).toBe(true);
  const again = results(await send(slips, same));
  expect(again.filter((one) => one.slip?.replayed)).toHaveLength(taken);
  expect(again.map((one) => one.slip?.id ?? null).filter((id) => id !== null).length).toBeGreaterThanOrEqual(
    taken,
  );
  for (const [index, one] of first.entries())
    if (one.slip && again[index]!.slip) expect(again[index]!.slip!.id).toBe(one.slip.id);
  expect(await slipsIn()).toBe(before + again.filter(({ status }) => status === 202).length);
});

test('another slip in the place of one that was taken is refused, the others are repeated', async () => {
  const same = key();
  await send([slip('x-0'), slip('x-1')], same);
  expect(results(await send([slip('x-0'), slip('y-1'), slip('x-2')], same))).toMatchObject([
    { status: 202, slip: { reference: 'x-0', replayed: true } },
    { status: 422, problem: { code: 'idempotency_key_reused' } },
    { status: 202, slip: { reference: 'x-2', replayed: false } },
  ]);
});

describe('a list that cannot be taken', () => {
  test('is refused whole', async () => {
    const before = await slipsIn();
    expectProblem(await send([slip('k')], {}), 400, 'idempotency_key_missing');
    expectProblem(await send([]), 422, 'validation_failed');
    expectProblem(await send('none'), 422, 'validation_failed');
    expectProblem(
      await send(Array.from({ length: 1_001 }, (_, i) => slip(`more-${i}`))),
      422,
      'validation_failed',
    );
    expectProblem(
      await call(service, token, '/v1/slips:batch', { slips: [slip('k')], all: true }, key()),
      ...([400, 'malformed_request'] as const),
    );
    const large = Array.from({ length: 600 }, (_, i) =>
      slip(`l-${i}`, { metadata: { m: 'x'.repeat(4_000) } }),
    );
    expectProblem(await send(large), 413, 'payload_too_large');
    expectProblem(await send([slip('k')], key(), '?dry_run=maybe'), 400, 'malformed_request');
    expect(await slipsIn()).toBe(before);
  });

  test('and a single slip may not be larger than before', async () => {
    const metadata = { m: 'x'.repeat(70_000) };
    expectProblem(
      await call(service, token, '/v1/slips', slip('big', { metadata }), key()),
      413,
      'payload_too_large',
    );
  });
});

test('a dry run says what would happen and which rules spoke, and writes nothing', async () => {
  await call(service, token, '/v1/slips', slip('here'), key());
  const before = await slipsIn();
  const body = [
    slip('p-1'),
    slip('p-2', { kind: 'payout', route: 'payouts', amount: { amount: '5000', currency: 'EUR' } }),
    slip('p-3', { confirm: false }),
    slip('p-4', { kind: 'payout', route: 'orders' }),
    slip('here'),
    slip('p-5', { kind: 'gift' }),
  ];
  const answer = await send(body, {}, '?dry_run=true');
  expect(results(answer)).toMatchObject([
    { status: 200, preview: { would: 'submitted', rules: [], deadline: expect.any(String) } },
    {
      status: 200,
      preview: { would: 'in_review', rules: ['review_amount', 'review_second_person'], approvals_needed: 2 },
    },
    { status: 200, preview: { would: 'draft', expires_at: expect.any(String), deadline: null } },
    { status: 200, preview: { would: 'refused', rules: ['kind_not_on_route'], detail: expect.any(String) } },
    { status: 200, preview: { would: 'reference_taken', slip_id: expect.any(String) } },
    { status: 422, problem: { code: 'validation_failed' } },
  ]);
  const alone = await call(service, token, '/v1/slips?dry_run=true', body[1]!, {});
  expect(alone).toMatchObject({ status: 200, body: { would: 'in_review', approvals_needed: 2 } });
  expect(alone.headers.get('location')).toBeNull();
  expectProblem(await call(service, token, '/v1/slips?dry_run=true', body[5]!, {}), 422, 'validation_failed');
  expectProblem(await call(service, token, '/v1/slips?dry=true', body[0]!, key()), 400, 'malformed_request');
  expect(await slipsIn()).toBe(before);
});
