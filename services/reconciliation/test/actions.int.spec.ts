import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Source, sources } from '@slipstream/contracts';
import { addMs, type Instant } from '@slipstream/kernel';
import type { Service } from '@slipstream/service-host';
import type { SlipEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { v7 } from 'uuid';
import { now, type ReconciliationUnderTest, reconciliationUnderTest } from './reconciliation-under-test.ts';
import { answered, doubted, held, intended, refunded, submitted, unanswered } from './story.ts';

const { intake, gateway, ledger } = sources;
let world: ReconciliationUnderTest;
let service: Service;
let second: Service;
beforeAll(async () => {
  // Two refunds an hour need nobody, however many instances decide.
  world = await reconciliationUnderTest({
    repair: { countMax: 2, amountMax: new Map(), ownTroubleMax: 1_000 },
    cases: { escalateAfterMs: 3_600_000 },
  });
  service = await world.start();
  second = await world.start();
}, 120_000);
afterAll(() => world?.stop(), 60_000);

const say = (source: Source, slipIds: readonly string[], event: SlipEvent) =>
  world.others.say(
    source,
    slipIds.map((slipId) => ({ slipId, event })),
  );
const begin = async (slipIds: readonly string[], deadline: Instant = addMs(now(), 3_600_000)) => {
  await say(intake, slipIds, submitted({ deadline }));
  await say(ledger, slipIds, held);
  await say(gateway, slipIds, intended());
};
/** Slips with an open case, and their money held: nobody knows what the provider said. */
const doubtful = async (count: number) => {
  const slipIds = Array.from({ length: count }, () => v7());
  await begin(slipIds);
  await say(gateway, slipIds, doubted());
  for (const slipId of slipIds) await untilCase(slipId, { status: 'open' });
  return slipIds;
};
const caseOf = async (slipId: string) => (await world.get(service, `/v1/cases/${slipId}`)).body;
const untilCase = (slipId: string, wanted: object) =>
  waitFor(
    async () => {
      const found = await caseOf(slipId);
      return Object.entries(wanted).every(([key, value]) => found[key] === value) ? found : null;
    },
    { what: `the case of ${slipId} to be ${JSON.stringify(wanted)}` },
  );
const act = (slipId: string, body: object, as?: string, headers?: Record<string, string>) =>
  world.post(service, `/v1/cases/${slipId}/actions`, { reason: 'as agreed', ...body }, as, headers);
const types = (slipId: string) => world.of(slipId).map(({ event }) => event.type);

describe('an action', () => {
  test('is done by whoever owns the slip, once for its key, and is an event with who and why', async () => {
    const [slipId] = await doubtful(1);
    const headers = { 'idempotency-key': '"k-1"' };
    const first = await act(slipId!, { action: 'note' }, 'ann', headers);
    expect([first.status, first.body.status]).toEqual([200, 'done']);
    const again = await act(slipId!, { action: 'note' }, 'ann', headers);
    expect([again.body.id, again.headers.get('idempotent-replayed')]).toEqual([first.body.id, 'true']);
    expect((await act(slipId!, { action: 'note', reason: 'other' }, 'ann', headers)).body.code).toBe(
      'idempotency_key_reused',
    );
    const [noted] = world.of(slipId!, 'CaseNoted').length ? world.of(slipId!, 'CaseNoted') : [null];
    const said = noted ?? (await world.untilPublished(slipId!, 'CaseNoted'));
    expect(said.event.data).toEqual({ by: 'ann', code: 'note', text: 'as agreed' });
    expect(world.of(slipId!, 'CaseNoted')).toHaveLength(1);
  });

  test('shows what would follow, and does nothing, as a dry run', async () => {
    const [slipId] = await doubtful(1);
    const { status, body } = await act(slipId!, { action: 'refund', dry_run: true });
    expect([status, body.status, body.events[0].data.code]).toEqual([200, 'proposed', 'refund_proposed']);
    const { when_approved: then } = body;
    expect(then.events).toMatchObject([{ type: 'RefundRequested', data: { requested_by: 'ann' } }]);
    expect(then.postings).toEqual([
      { account: 'payer:cust-1:held', direction: 'debit', amount: { amount: '1250', currency: 'EUR' } },
      { account: 'payer:cust-1:available', direction: 'credit', amount: { amount: '1250', currency: 'EUR' } },
    ]);
    expect((await world.get(service, `/v1/case-actions?slip=${slipId}`)).body.data).toEqual([]);
    await waitFor(() => types(slipId!).length > 0, { what: 'the case to be told' });
    expect(types(slipId!)).toEqual(['CaseOpened']);
  });

  test('for another version of the case is refused, as is what its state does not allow', async () => {
    const [slipId] = await doubtful(1);
    const { version } = await caseOf(slipId!);
    const at = (seen: number) => ({ 'if-match': `"${seen}"` });
    const assigned = await act(slipId!, { action: 'assign', assignee: 'bob' }, 'ann', at(version));
    expect(assigned.status).toBe(200);
    expect(await caseOf(slipId!)).toMatchObject({ assignee: 'bob', version: version + 1 });
    const stale = await act(slipId!, { action: 'close' }, 'ann', at(version));
    expect([stale.status, stale.body.code]).toEqual([412, 'version_mismatch']);
    const released = await act(slipId!, { action: 'release' });
    expect([released.status, released.body.code]).toEqual([409, 'conflict']);
    expect((await act(slipId!, { action: 'pay' })).body.code).toBe('validation_failed');
    expect((await act(v7(), { action: 'note' })).status).toBe(404);
    const closed = await act(slipId!, { action: 'close' }, 'cat');
    expect(closed.body.events[0].data).toMatchObject({ by: 'cat', resolution: 'by_hand' });
    expect(await caseOf(slipId!)).toMatchObject({ status: 'closed', age_ms: null });
    expect((await act(slipId!, { action: 'note' })).status).toBe(409);
  });

  test('is found by who, what and how far', async () => {
    const [slipId] = await doubtful(1);
    await act(slipId!, { action: 'assign', assignee: 'zoe' }, 'dan');
    const listed = async (query: string) =>
      (await world.get(service, `/v1/${query}`)).body.data.map((one: { slip_id: string }) => one.slip_id);
    expect(await listed('case-actions?by=dan&status=done&action=assign')).toEqual([slipId]);
    expect(await listed('cases?assignee=zoe&reason=word_unknown&escalated=false')).toEqual([slipId]);
    // A mistyped one would find nothing, and say so of cases that are there.
    const mistyped = await world.get(service, '/v1/cases?reason=word_unknwon');
    expect([mistyped.status, mistyped.body.errors[0].detail]).toEqual([
      ...[400, expect.stringContaining('word_unknown')],
    ]);
    expect(await listed('cases?assignee=zoe&unassigned=true')).toEqual([]);
    expect(await listed('cases?assignee=zoe&assignee=nobody&status.not=closed')).toEqual([slipId]);
    expect(await listed('cases?assignee=zoe&reason.not=word_unknown')).toEqual([]);
    expect(await listed('cases?assignee=zoe&cause.not=callback_lost&provider.not=nobody')).toEqual([slipId]);
    expect(await listed('cases?assignee=zoe&min_age_s=3600')).toEqual([]);
    expect(await listed('cases?assignee=zoe&incident=none')).toEqual([]);
  });
});

describe('a refund by hand', () => {
  test('needs another person, whoever writes: the store holds it, too', async () => {
    const [slipId] = await doubtful(1);
    const proposed = await act(slipId!, { action: 'refund' });
    const { id } = proposed.body;
    expect([proposed.status, proposed.headers.get('location')]).toEqual([202, `/v1/case-actions/${id}`]);
    expect((await act(slipId!, { action: 'refund' }, 'bob')).status).toBe(409);
    const decide = (word: string, as: string) =>
      world.post(second, `/v1/case-actions/${id}/${word}`, { note: 'checked' }, as);
    expect((await decide('approve', 'ann')).body.code).toBe('same_person');
    expect(types(slipId!)).not.toContain('RefundRequested');
    const write = (sql: string) =>
      world.database.query(`update case_action set ${sql} where action_id = $1`, [id]);
    const approval = "decision = 'approve', decided_at = now()";
    await expect(write(`${approval}, decided_by = 'ann', status = 'waiting'`)).rejects.toThrow(/check/);
    await expect(write("status = 'done', finished_at = now()")).rejects.toThrow(/check/);
    const approved = await decide('approve', 'bob');
    expect([approved.status, approved.body.status, approved.body.decision.by]).toEqual([200, 'done', 'bob']);
    const asked = await world.untilPublished(slipId!, 'RefundRequested');
    expect(asked.event.data).toEqual({
      ...{ basis: 'no_answer', requestedBy: 'ann', approvedBy: 'bob', reason: 'as agreed' },
    });
    expect((await decide('approve', 'bob')).status).toBe(200);
    expect((await decide('decline', 'cat')).status).toBe(409);
    await say(ledger, [slipId!], refunded);
    await untilCase(slipId!, { status: 'closed', resolution: 'refunded' });
  });

  test('that is declined leaves the money held and the case open', async () => {
    const [slipId] = await doubtful(1);
    const { id } = (await act(slipId!, { action: 'refund' })).body;
    const declined = await world.post(service, `/v1/case-actions/${id}/decline`, { note: 'not yet' }, 'bob');
    expect(declined.body.status).toBe('declined');
    await untilCase(slipId!, { status: 'open' });
    expect(types(slipId!)).not.toContain('RefundRequested');
    expect((await act(slipId!, { action: 'refund' })).status).toBe(202);
  });
});

test('a bulk has a list that is fixed, does each of it once, and says what came of it', async () => {
  const slipIds = await doubtful(5);
  const body = { action: 'assign', assignee: 'eve', reason: 'takes over', slip_ids: slipIds };
  const shown = await world.post(service, '/v1/cases:actions', { ...body, dry_run: true });
  expect([shown.status, shown.body.data.length]).toEqual([200, 5]);
  await act(slipIds[0]!, { action: 'assign', assignee: 'eve' });
  const headers = { 'idempotency-key': '"bulk-1"' };
  const made = await world.post(service, '/v1/cases:actions', body, 'ann', headers);
  expect([made.status, made.body.size]).toEqual([202, 5]);
  const again = await world.post(second, '/v1/cases:actions', body, 'ann', headers);
  expect(again.body.id).toBe(made.body.id);
  const bulk = await waitFor(
    async () => {
      const { body: found } = await world.get(service, made.headers.get('location')!);
      return found.counts.waiting === 0 ? found : null;
    },
    { what: 'the bulk to be done' },
  );
  expect(bulk.counts).toEqual({ waiting: 0, proposed: 0, done: 4, declined: 0, refused: 1 });
  const { body: items } = await world.get(service, `/v1/case-actions?bulk=${made.body.id}&status=refused`);
  expect(items.data).toMatchObject([{ slip_id: slipIds[0], refusal: { code: 'conflict' } }]);
  expect((await world.get(service, '/v1/cases?assignee=eve')).body.data).toHaveLength(5);
  const [told] = await waitFor(
    () => {
      const acts = world.told.filter(({ event }) => event.type === 'OperatorActed');
      return acts.length > 0 ? acts : null;
    },
    { what: 'OperatorActed' },
  );
  expect(told!.event.data).toMatchObject({ action: 'assign', actor: 'ann', reason: 'takes over' });
});

test('a bulk that names a slip without a case is refused as a whole, and says which', async () => {
  const slipIds = await doubtful(1);
  const [unknown, odd] = [v7(), 'no-id'];
  const body = { action: 'assign', assignee: 'eve', reason: 'r', slip_ids: [unknown, ...slipIds, odd] };
  for (const one of [body, { ...body, dry_run: true }]) {
    const refused = await world.post(service, '/v1/cases:actions', one);
    expect([refused.status, refused.body.code]).toEqual([422, 'validation_failed']);
    const details = [unknown, odd].map((id) => `slip ${id} has no case`);
    expect(refused.body.errors).toEqual(details.map((detail) => ({ pointer: '/slip_ids', detail })));
  }
  expect((await world.get(service, `/v1/case-actions?slip=${slipIds[0]}`)).body.data).toEqual([]);
});

test('refunds without people stay within the budget over two instances; what waits is released', async () => {
  const slipIds = Array.from({ length: 24 }, () => v7());
  await begin(slipIds);
  await say(gateway, slipIds, unanswered());
  await say(gateway, slipIds, answered(0, 'not_found', true));
  for (const slipId of slipIds) await world.untilPublished(slipId, 'SlipDiagnosed');
  const asked = () => slipIds.filter((slipId) => types(slipId).includes('RefundRequested'));
  const waiting = () => slipIds.filter((slipId) => types(slipId).includes('CaseOpened'));
  await waitFor(() => asked().length + waiting().length === slipIds.length, { what: 'all decisions' });
  expect(asked()).toHaveLength(2);
  const { body: budget } = await world.get(service, '/v1/repair-budget');
  expect(budget.refunds).toEqual({ spent: 2, max: 2 });
  const filter = { reason: 'repair_budget' };
  const released = await world.post(service, '/v1/cases:actions', {
    action: 'release',
    reason: 'ok',
    filter,
  });
  expect(released.body.size).toBe(22);
  await waitFor(() => asked().length === slipIds.length, { what: 'the released refunds' });
  await say(ledger, slipIds, refunded);
  for (const slipId of waiting()) await untilCase(slipId, { status: 'closed', resolution: 'refunded' });
  expect((await world.get(service, '/v1/repair-budget')).body.refunds.spent).toBe(2);
}, 120_000);

test('a case that nobody closes is told on once', async () => {
  const [slipId] = await doubtful(1);
  await world.database.query(
    "update case_file set opened_at = opened_at - interval '2 hours' where slip_id = $1",
    [slipId],
  );
  const noted = await waitFor(() => world.of(slipId!, 'CaseNoted')[0], {
    what: 'the escalation',
  });
  expect(noted.event.data).toMatchObject({ by: 'reconciliation', code: 'escalated' });
  expect((await caseOf(slipId!)).escalated_at).not.toBeNull();
  const { body } = await world.get(service, '/v1/cases?escalated=true');
  expect(body.data.map((one: { slip_id: string }) => one.slip_id)).toEqual([slipId]);
}, 120_000);
