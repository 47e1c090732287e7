import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeSlipEvent, sources, stampEnvelope, topics } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { coreMigrations, migrate, openDataSource, prepareTopics, UnitOfWork } from '@slipstream/postgres';
import { outboundEvent, outboundOpsEvent } from '@slipstream/runtime';
import type { AccountStatus, PendingEvent } from '@slipstream/slip';
import { Plans } from '@slipstream/testing';
import { accountStore } from '../src/adapters/postgres/accounts.ts';
import { intakeStore } from '../src/adapters/postgres/intake-store.ts';
import { intakeTx } from '../src/adapters/postgres/intake-tx.ts';
import { forgetRecentSql } from '../src/adapters/postgres/statements.ts';
import { waitingStore } from '../src/adapters/postgres/waiting-store.ts';
import { changeSlip } from '../src/application/change-slip.ts';
import { previewSubmissions } from '../src/application/preview-submissions.ts';
import { noLines } from '../src/application/spec-support.ts';
import { submissionDigest } from '../src/application/submission-digest.ts';
import { submitCommands } from '../src/application/submit-commands.ts';
import { submitRequests } from '../src/application/submit-requests.ts';
import { useCases } from '../src/application/use-cases.ts';
import type { RoutePolicy, SubmissionRules } from '../src/domain/submission/decide-submission.ts';
import type { AccountLimit, GateRules } from '../src/domain/submission/gates.ts';
import type { Submission } from '../src/domain/submission/submission.ts';
import type { Wish } from '../src/domain/waiting/decide-change.ts';
import { SubmissionGroup } from '../src/workers/submission-group.ts';

const directory = new URL('../migrations', import.meta.url).pathname;
const environment = sharedEnvironment();
const open: GateRules = { openOnFirstUse: true, duplicateWindowMs: 0, duplicateReviewMs: null, limits: [] };
const hourly: AccountLimit = {
  ...{ name: 'hourly', kinds: ['order', 'payout', 'payment'], routes: null, windowMs: 3_600_000 },
  ...{ countMax: 3, amountMax: new Map() },
};

/** Two instances: each has a pool of its own on the one database. */
const instances: { unitOfWork: UnitOfWork; close: () => Promise<void> }[] = [];
let unitOfWork: UnitOfWork;

beforeAll(async () => {
  const url = await createDatabase(environment().databaseUrl, 'gates');
  for (let i = 0; i < 2; i++) {
    const dataSource = await openDataSource({ url, applicationName: `gates-${i}` });
    if (i === 0) await migrate(dataSource, [coreMigrations, { scope: 'intake', directory }]);
    instances.push({ unitOfWork: new UnitOfWork(dataSource), close: () => dataSource.destroy() });
  }
  unitOfWork = instances[0]!.unitOfWork;
  await prepareTopics(unitOfWork, [topics.events, topics.ops]);
});
afterAll(async () => {
  for (const { close } of instances) await close();
});
beforeEach(async () => {
  await unitOfWork.query(
    'truncate idempotency, slip, draft, review, account_status, recent_slip, refused_command cascade',
  );
  await unitOfWork.query('delete from outbox');
});

const origin = { source: sources.intake, newId: randomUUID };
const encode = (event: PendingEvent) => outboundEvent(origin, event);
const route: RoutePolicy = {
  ...{ mode: 'dispatched', provider: 'acme', kinds: ['order', 'payout', 'payment'], answerMsMax: 0 },
  ...{
    outcomeDeadlineMs: 5_000,
    overdraft: { order: true, payment: true, payout: false },
    quietPeriodMs: 0,
    inquiryLadderMs: [0],
  },
  ...{ draftExpiresMs: 60_000, draftRemindBeforeMs: 0, review: null },
};
const review = { kinds: ['payout' as const], fromAmount: null, secondPersonFrom: null, deadlineMs: 60_000 };
const rulesWith = (gates: GateRules): SubmissionRules => ({
  ...{ configDigest: 'c0ffee', graceMs: 0, payments: [], gates },
  routes: new Map([
    ['default', route],
    ['reviewed', { ...route, review }],
  ]),
});

let made = 0;
const submission = (change: Partial<Submission> = {}): Submission => ({
  ...{ caller: 'shop', reference: `r-${made++}`, kind: 'payout', account: 'shop-7', counterparty: 'cust-42' },
  ...{ amount: { amount: 100n, currency: 'EUR' }, route: 'default', deadline: null, metadata: {} },
  ...change,
});
const request = (wanted: Submission, isDraft = false) => ({
  ...{ key: randomUUID(), submission: wanted, digest: submissionDigest(wanted), isDraft, traceparent: null },
});

/** Over HTTP, in one batch. */
async function submit(gates: GateRules, ...wanted: (Partial<Submission> | ReturnType<typeof request>)[]) {
  const store = intakeStore(unitOfWork, encode);
  const context = { store, rules: rulesWith(gates), lines: noLines, newId: randomUUID, partitionOf: () => 0 };
  const requests = wanted.map((one) => ('key' in one ? one : request(submission(one))));
  return submitRequests(context, requests, { lockWaitMsMax: 5_000 });
}

/** Over the bus, in one batch. */
const command = (gates: GateRules, ...wanted: Partial<Submission>[]) =>
  commandBy(unitOfWork, gates, ...wanted);
async function commandBy(by: UnitOfWork, gates: GateRules, ...wanted: Partial<Submission>[]): Promise<void> {
  const context = { rules: rulesWith(gates), lines: noLines, newId: randomUUID, partitionOf: () => 0 };
  const commands = wanted.map((change) => {
    const one = submission(change);
    const { caller, reference } = one;
    return {
      ...{ type: 'submit' as const, id: randomUUID(), caller, reference, clock: 'wall', traceparent: null },
      ...{ receivedAt: '2026-11-22T10:39:00.000000Z', submission: one, digest: submissionDigest(one) },
    };
  });
  await by.run((tx) => submitCommands(context, intakeTx(tx, encode), { partition: 0, commands }));
}

const words = (outcomes: Awaited<ReturnType<typeof submit>>) =>
  outcomes.map((outcome) => (outcome.type === 'refused' ? outcome.refusal.rule : outcome.type));

async function published() {
  const rows = await unitOfWork.query<{ seq: string; at: string; body: Buffer }>(
    'select seq, at, body from outbox_event where topic = $1 order by seq',
    [topics.events.name],
  );
  return rows.map(({ seq, at, body }) =>
    decodeSlipEvent(stampEnvelope(body, { sequence: seq, time: at, receivedTime: at })),
  );
}
const rulesTold = async () =>
  (await published()).map(({ event }) => (event.type === 'SlipRejected' ? event.data.rule : event.type));
const slips = async () => (await unitOfWork.query('select 1 from slip')).length;

async function set(account: string, status: AccountStatus): Promise<void> {
  const accounts = accountStore(unitOfWork, (event) => outboundOpsEvent(origin, event));
  const unused = {
    store: null as never,
    waiting: null as never,
    rules: rulesWith(open),
    lines: noLines,
    newId: randomUUID,
    partitionOf: () => 0,
  };
  const change = { account, status, reason: 'spec', actor: 'ops', requestId: randomUUID() };
  await useCases({ ...unused, accounts }).changeAccountStatus(change, null);
}

describe('an account that is not active', () => {
  test('takes part in no slip, on either side, and its refusals leave their references free', async () => {
    await set('frozen-1', 'frozen');
    await set('closed-1', 'closed');
    const refused = await submit(
      open,
      { account: 'frozen-1', reference: 'again' },
      { counterparty: 'frozen-1' },
      { account: 'closed-1' },
      { counterparty: 'closed-1' },
      {},
    );
    expect(words(refused)).toEqual([
      'account_frozen',
      'counterparty_frozen',
      'account_closed',
      'counterparty_closed',
      'accepted',
    ]);
    expect(await slips()).toBe(1);
    expect(await published()).toHaveLength(1);
    await set('frozen-1', 'active');
    expect(words(await submit(open, { account: 'frozen-1', reference: 'again' }))).toEqual(['accepted']);
  });

  test('is refused over the bus by an event that names the rule and the field', async () => {
    await set('frozen-1', 'frozen');
    await command(open, { account: 'frozen-1', reference: 'again' }, {}, { counterparty: 'frozen-1' });
    expect((await published()).map(({ event }) => event)).toMatchObject([
      { type: 'SlipRejected', data: { rule: 'account_frozen', field: '/account' } },
      { type: 'SlipSubmitted' },
      { type: 'SlipRejected', data: { rule: 'counterparty_frozen', field: '/counterparty' } },
    ]);
    expect(await slips()).toBe(1);
    await set('frozen-1', 'active');
    await command(open, { account: 'frozen-1', reference: 'again' });
    expect(await slips()).toBe(2);
  });

  test('gives what it gave before under a key that was answered', async () => {
    const first = request(submission());
    const [accepted] = await submit(open, first);
    await set('shop-7', 'frozen');
    expect(await submit(open, first)).toEqual([{ ...accepted, replayed: true }]);
  });

  test('is one that nobody has opened, where accounts are not opened by use; a counterparty needs none', async () => {
    const known = { ...open, openOnFirstUse: false };
    expect(words(await submit(known, {}))).toEqual(['account_unknown']);
    await command(known, {});
    expect(await rulesTold()).toEqual(['account_unknown']);
    await set('shop-7', 'active');
    expect(words(await submit(known, {}))).toEqual(['accepted']);
  });
});

describe('a limit', () => {
  test('of N lets exactly N through of 10 N at once, over two instances', async () => {
    const most = 7;
    const gates = { ...open, limits: [{ ...hourly, countMax: most }] };
    const groups = instances.map((instance) => {
      const store = intakeStore(instance.unitOfWork, encode);
      const context = {
        store,
        rules: rulesWith(gates),
        lines: noLines,
        newId: randomUUID,
        partitionOf: () => 0,
      };
      return new SubmissionGroup((requests, limits) => submitRequests(context, requests, limits), {
        batchSizeMax: 5,
      });
    });
    const outcomes = await Promise.all(
      Array.from({ length: 10 * most }, (_, i) => groups[i % 2]!.submit(request(submission()))),
    );
    const told = words(outcomes);
    expect(told.filter((word) => word === 'accepted')).toHaveLength(most);
    expect(told.filter((word) => word === 'limit_exceeded')).toHaveLength(9 * most);
    expect(await published()).toHaveLength(most);
    expect(await slips()).toBe(most);
  });

  test('of N lets exactly N through whichever way they come: one by one, in batches and over the bus, over two instances', async () => {
    const most = 6;
    const gates = { ...open, limits: [{ ...hourly, countMax: most }] };
    const [one, two] = instances.map(({ unitOfWork: by }) => {
      const context = { store: intakeStore(by, encode), rules: rulesWith(gates), lines: noLines };
      const ways = { ...context, newId: randomUUID, partitionOf: () => 0 };
      return new SubmissionGroup((requests, limits) => submitRequests(ways, requests, limits), {
        batchSizeMax: 4,
      });
    });
    const many = Array.from({ length: 15 }, () => ({}));
    const [alone, batch] = await Promise.all([
      Promise.all(many.map(() => one!.submit(request(submission())))),
      Promise.all(many.map(() => two!.submit(request(submission())))),
      commandBy(instances[0]!.unitOfWork, gates, ...many),
      commandBy(instances[1]!.unitOfWork, gates, ...many),
    ]);
    const over = (await rulesTold()).filter((word) => word === 'SlipSubmitted').length;
    expect([over, await slips()]).toEqual([most, most]);
    const http = words([...alone, ...batch]);
    expect(http.filter((word) => word !== 'accepted' && word !== 'limit_exceeded')).toEqual([]);
    expect((await rulesTold()).filter((word) => word === 'limit_exceeded')).toHaveLength(
      30 - (most - http.filter((word) => word === 'accepted').length),
    );
  });

  test('is free again when its window is over', async () => {
    const gates = { ...open, limits: [{ ...hourly, countMax: 1, windowMs: 60_000 }] };
    await submit(gates, {});
    await unitOfWork.query("update recent_slip set at = clock_timestamp() - interval '59 seconds'");
    expect(words(await submit(gates, {}))).toEqual(['limit_exceeded']);
    await unitOfWork.query("update recent_slip set at = clock_timestamp() - interval '60 seconds'");
    expect(words(await submit(gates, {}))).toEqual(['accepted']);
  });

  test('counts each account by itself, both ways in together, and what was refused for nothing', async () => {
    const gates = { ...open, limits: [hourly] };
    await command(gates, {}, {});
    expect(words(await submit(gates, {}, {}, { account: 'other' }))).toEqual([
      'accepted',
      'limit_exceeded',
      'accepted',
    ]);
    await command(gates, { reference: 'fourth' }, { account: 'other' });
    expect((await rulesTold()).slice(-2)).toEqual(['limit_exceeded', 'SlipSubmitted']);
    await unitOfWork.query("update recent_slip set at = at - interval '1 hour' where account = 'shop-7'");
    await command(gates, { reference: 'fourth' });
    expect((await rulesTold()).at(-1)).toBe('SlipSubmitted');
  });

  test('of amounts is about its currency, lets through what still fits, and names itself', async () => {
    const limit = { ...hourly, countMax: null, amountMax: new Map([['EUR', 250n]]) };
    const gates = { ...open, limits: [limit] };
    const of = (amount: bigint, currency = 'EUR') => ({ amount: { amount, currency } });
    const outcomes = await submit(gates, of(200n), of(51n), of(50n), of(1n), of(9_999n, 'USD'));
    expect(words(outcomes)).toEqual(['accepted', 'limit_exceeded', 'accepted', 'limit_exceeded', 'accepted']);
    expect(outcomes[1]).toMatchObject({
      refusal: { field: 'amount', detail: expect.stringContaining('hourly EUR') },
    });
  });

  test('is not used up by the same request again', async () => {
    const gates = { ...open, limits: [{ ...hourly, countMax: 1 }] };
    const first = request(submission());
    const [accepted] = await submit(gates, first);
    expect(await submit(gates, first, first)).toEqual([
      { ...accepted, replayed: true },
      { ...accepted, replayed: true },
    ]);
  });

  test('forgets what no window looks back at any more', async () => {
    await submit({ ...open, limits: [hourly] }, {}, {});
    await unitOfWork.query(
      "update recent_slip set at = at - interval '1 hour' where slip_id = (select min(slip_id::text)::uuid from recent_slip)",
    );
    await unitOfWork.query(forgetRecentSql, [hourly.windowMs]);
    expect(await unitOfWork.query('select 1 from recent_slip')).toHaveLength(1);
  });

  test('forgets a page at a time, and looks at nothing that is young', async () => {
    const plans = new Plans();
    const forget = () => plans.watched(unitOfWork).query<{ n: number }>(forgetRecentSql, [hourly.windowMs]);
    await unitOfWork.query(
      `insert into recent_slip (account, at, slip_id, adds)
       select 'many', now() - n * interval '1 s', gen_random_uuid(), '{}' from generate_series(1, 20000) n`,
    );
    await unitOfWork.query('analyze recent_slip');
    // What is explained is done, too.
    const scans = await plans.scansOf(forget);
    expect(scans.filter(({ by, rows }) => by === 'Seq Scan' || rows > 5_000)).toEqual([]);
    expect(await unitOfWork.query('select 1 from recent_slip')).toHaveLength(10_000);
    while ((await forget())[0]!.n > 0);
    const idle = await plans.scansOf(forget);
    expect(idle.filter(({ table, rows }) => table === 'recent_slip' && rows > 0)).toEqual([]);
    await unitOfWork.query('truncate recent_slip');
  });
});

describe('the same business again', () => {
  const gates = { ...open, duplicateWindowMs: 60_000 };

  test('is refused under another key and reference, and the first slip is named', async () => {
    const [first] = await submit(gates, {});
    const slipId = (first as { slipId: string }).slipId;
    const outcomes = await submit(gates, { caller: 'other' }, { amount: null }, {});
    expect(words(outcomes)).toEqual(['business_duplicate', 'accepted', 'business_duplicate']);
    expect(outcomes[0]).toMatchObject({ refusal: { firstSlipId: slipId } });
    await command(gates, {});
    expect((await published()).at(-1)!.event).toMatchObject({
      type: 'SlipRejected',
      data: { rule: 'business_duplicate', firstSlipId: slipId },
    });
  });

  test('is another business when the window is over', async () => {
    await submit(gates, {});
    await unitOfWork.query("update recent_slip set at = at - interval '1 minute'");
    expect(words(await submit(gates, {}))).toEqual(['accepted']);
  });

  test('is found by one of many at once', async () => {
    const groups = instances.map((instance) => {
      const store = intakeStore(instance.unitOfWork, encode);
      const context = {
        store,
        rules: rulesWith(gates),
        lines: noLines,
        newId: randomUUID,
        partitionOf: () => 0,
      };
      return new SubmissionGroup((requests, limits) => submitRequests(context, requests, limits));
    });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => groups[i % 2]!.submit(request(submission()))),
    );
    expect(words(outcomes).filter((word) => word === 'accepted')).toHaveLength(1);
  });
});

describe('a repeat that people are to look at', () => {
  const gates = { ...open, duplicateWindowMs: 60_000, duplicateReviewMs: 30_000 };
  const reviews = () =>
    unitOfWork.query<{ reference: string; rules: string[]; first_slip_id: string | null }>(
      'select reference, rules, first_slip_id from review order by reference',
    );

  test('waits for them, over HTTP and the bus, and names the slip that it repeats', async () => {
    const [first] = await submit(gates, { reference: 'a' });
    const firstSlipId = (first as { slipId: string }).slipId;
    expect(first).toMatchObject({ status: 'submitted', firstSlipId: null });
    const repeat = request(submission({ reference: 'b' }));
    const outcomes = await submit(gates, repeat, { reference: 'other', counterparty: 'cust-43' });
    expect(outcomes).toMatchObject([
      { type: 'accepted', status: 'in_review', firstSlipId, replayed: false },
      { type: 'accepted', status: 'submitted', firstSlipId: null },
    ]);
    expect(await submit(gates, repeat)).toEqual([{ ...outcomes[0], replayed: true }]);
    await command(gates, { reference: 'c' }, { reference: 'd', counterparty: 'cust-44' });
    expect(await reviews()).toEqual(
      ['b', 'c'].map((reference) => {
        return { reference, rules: ['business_duplicate'], first_slip_id: firstSlipId };
      }),
    );
    const told = await published();
    expect(told.flatMap(({ event }) => (event.type === 'ReviewRequested' ? event.data : []))).toMatchObject([
      { rules: ['business_duplicate'], firstSlipId },
      { rules: ['business_duplicate'], firstSlipId },
    ]);
    const required = told.flatMap(({ event }) =>
      event.type === 'SlipSubmitted' ? [`${event.data.reference} ${event.data.reviewRequired}`] : [],
    );
    expect(required.sort()).toEqual(['a false', 'b true', 'c true', 'd false', 'other false']);
  });

  test('is found among many at once: one goes on, all others wait for people', async () => {
    const groups = instances.map((instance) => {
      const store = intakeStore(instance.unitOfWork, encode);
      const context = {
        store,
        rules: rulesWith(gates),
        lines: noLines,
        newId: randomUUID,
        partitionOf: () => 0,
      };
      return new SubmissionGroup((requests, limits) => submitRequests(context, requests, limits));
    });
    const [, ...outcomes] = await Promise.all([
      command(gates, ...Array.from({ length: 5 }, () => ({}))),
      ...Array.from({ length: 10 }, (_, i) => groups[i % 2]!.submit(request(submission()))),
    ]);
    expect(new Set(words(outcomes as Awaited<ReturnType<typeof submit>>))).toEqual(new Set(['accepted']));
    expect(await unitOfWork.query("select 1 from slip where status = 'submitted'")).toHaveLength(1);
    const [first] = await unitOfWork.query<{ slip_id: string }>(
      "select slip_id from slip where status = 'submitted'",
    );
    const named = (await reviews()).map(({ first_slip_id }) => first_slip_id);
    expect(named).toEqual(Array.from({ length: 14 }, () => first!.slip_id));
  });

  test('still meets the other gates, and keeps to its limit', async () => {
    const limited = { ...gates, limits: [{ ...hourly, countMax: 2 }] };
    expect(words(await submit(limited, {}, {}, {}))).toEqual(['accepted', 'accepted', 'limit_exceeded']);
    await command(limited, {});
    expect((await rulesTold()).at(-1)).toBe('limit_exceeded');
    expect(await reviews()).toHaveLength(1);
  });

  test('is one for its route, too: a second person stays one', async () => {
    await submit(gates, { route: 'reviewed' });
    await submit(gates, { route: 'reviewed', reference: 'z' });
    expect((await reviews()).map(({ rules }) => rules)).toContainEqual(['review_kind', 'business_duplicate']);
  });
});

test('a reference that a refused one had at the same moment is free at the next', async () => {
  const gates = { ...open, limits: [{ ...hourly, countMax: 1 }] };
  await submit(gates, {});
  const both = [{ reference: 'both' }, { reference: 'both', account: 'other' }];
  expect(words(await submit(gates, ...both))).toEqual(['limit_exceeded', 'in_flight']);
  expect(words(await submit(gates, both[1]!))).toEqual(['accepted']);
  await command(gates, { reference: 'bus' }, { reference: 'bus', account: 'third' });
  expect((await rulesTold()).slice(-2)).toEqual(['limit_exceeded', 'SlipSubmitted']);
});

describe('a draft', () => {
  async function drafted(change: Partial<Submission> = {}): Promise<string> {
    const [outcome] = await submit(open, request(submission(change), true));
    expect(outcome).toMatchObject({ type: 'accepted', status: 'draft' });
    return (outcome as { slipId: string }).slipId;
  }
  const confirm = (gates: GateRules, slipId: string, key: string = randomUUID(), by = unitOfWork) =>
    changeSlip(
      { waiting: waitingStore(by, encode), rules: rulesWith(gates), lines: noLines, partitionOf: () => 0 },
      {
        ...{ slipId, caller: 'shop', key, digest: Buffer.from(slipId), ifVersion: null, traceparent: null },
        wish: { type: 'confirm' },
      },
    );

  test.each(['default', 'reviewed'])('of route %s does not get round a frozen account', async (name) => {
    await set('shop-7', 'frozen');
    const slipId = await drafted({ route: name });
    const key = randomUUID();
    expect(await confirm(open, slipId, key)).toMatchObject({
      ...{ type: 'refused', refusal: { rule: 'account_frozen', field: 'account' } },
    });
    expect((await published()).map(({ event }) => event.type)).toEqual(['SlipDrafted']);
    expect(await unitOfWork.query('select status, version from slip')).toEqual([
      { status: 'draft', version: 1 },
    ]);
    expect(await unitOfWork.query('select 1 from draft')).toHaveLength(1);
    expect(await unitOfWork.query('select 1 from review')).toHaveLength(0);
    await set('shop-7', 'active');
    expect(await confirm(open, slipId, key)).toMatchObject({ type: 'changed', replayed: false });
  });

  test('counts for nothing until it is confirmed, and one limit lets one of two at once through', async () => {
    const gates = { ...open, limits: [{ ...hourly, countMax: 1 }] };
    const slipIds = [await drafted(), await drafted()];
    const outcomes = await Promise.all(
      slipIds.map((slipId, i) => confirm(gates, slipId, randomUUID(), instances[i]!.unitOfWork)),
    );
    expect(outcomes.map(({ type }) => type).sort()).toEqual(['changed', 'refused']);
    expect(await unitOfWork.query('select 1 from recent_slip')).toHaveLength(1);
    expect(words(await submit(gates, {}))).toEqual(['limit_exceeded']);
  });

  test('is the same business again when it is confirmed, and names the first slip', async () => {
    const gates = { ...open, duplicateWindowMs: 60_000 };
    const slipId = await drafted();
    const [first] = await submit(gates, {});
    expect(await confirm(gates, slipId)).toMatchObject({
      refusal: { rule: 'business_duplicate', firstSlipId: (first as { slipId: string }).slipId },
    });
  });
});

describe('a slip that people must approve', () => {
  test('passes the gates when it is submitted, over HTTP and the bus', async () => {
    await set('frozen-1', 'frozen');
    const gates = { ...open, limits: [{ ...hourly, countMax: 2 }] };
    const outcomes = await submit(
      gates,
      { route: 'reviewed', account: 'frozen-1' },
      { route: 'reviewed' },
      { route: 'default' },
      { route: 'reviewed' },
    );
    expect(words(outcomes)).toEqual(['account_frozen', 'accepted', 'accepted', 'limit_exceeded']);
    expect(outcomes[1]).toMatchObject({ status: 'in_review' });
    expect(await unitOfWork.query('select 1 from review')).toHaveLength(1);
    await command(gates, { route: 'reviewed', account: 'frozen-1' }, { route: 'reviewed', account: 'other' });
    expect((await rulesTold()).slice(-3)).toEqual(['account_frozen', 'SlipSubmitted', 'ReviewRequested']);
    expect(await unitOfWork.query('select 1 from review')).toHaveLength(2);
    expect(await slips()).toBe(3);
  });
});

describe('what people approve', () => {
  const decide = (gates: GateRules, slipId: string, wish: Wish, caller = 'ann') =>
    changeSlip(
      {
        ...{ waiting: waitingStore(unitOfWork, encode), rules: rulesWith(gates), lines: noLines },
        partitionOf: () => 0,
      },
      {
        ...{ slipId, caller, key: randomUUID(), digest: Buffer.from('x'), ifVersion: null },
        ...{ traceparent: null, wish },
      },
    );
  const approve = (gates: GateRules, slipId: string, by = 'ann') =>
    decide(gates, slipId, { type: 'approve', by, note: '' });
  async function inReview(gates: GateRules, change: Partial<Submission> = {}): Promise<string> {
    const [outcome] = await submit(gates, { route: 'reviewed', ...change });
    expect(outcome).toMatchObject({ type: 'accepted', status: 'in_review' });
    return (outcome as { slipId: string }).slipId;
  }
  const told = async () => (await published()).map(({ event }) => event.type);

  test.each([
    ['shop-7', 'frozen', 'account_frozen'],
    ['shop-7', 'closed', 'account_closed'],
    ['cust-42', 'frozen', 'counterparty_frozen'],
  ] as const)(
    'is not paid when %s was %s meanwhile, and can be once it is active again',
    async (account, status, rule) => {
      const slipId = await inReview(open);
      await set(account, status);
      expect(await approve(open, slipId)).toMatchObject({ type: 'refused', refusal: { rule } });
      expect(await told()).toEqual(['SlipSubmitted', 'ReviewRequested']);
      expect(await decide(open, slipId, { type: 'claim', by: 'ann' })).toMatchObject({ status: 'in_review' });
      await set(account, 'active');
      expect(await approve(open, slipId)).toMatchObject({ type: 'changed', status: 'submitted' });
    },
  );

  test('counts for its limit from then on, not twice and not for itself', async () => {
    const gates = { ...open, limits: [{ ...hourly, countMax: 1 }] };
    const slipId = await inReview(gates);
    await unitOfWork.query("update recent_slip set at = at - interval '50 minutes'");
    expect(await approve(gates, slipId)).toMatchObject({ type: 'changed', status: 'submitted' });
    expect(await unitOfWork.query('select 1 from recent_slip')).toHaveLength(1);
    await unitOfWork.query("update recent_slip set at = at - interval '50 minutes'");
    expect(words(await submit(gates, {}))).toEqual(['limit_exceeded']);
  });

  test('is not paid where others used up the window of now', async () => {
    const gates = { ...open, limits: [{ ...hourly, countMax: 1 }] };
    const slipId = await inReview(gates);
    await unitOfWork.query("update recent_slip set at = at - interval '61 minutes'");
    expect(words(await submit(gates, {}))).toEqual(['accepted']);
    expect(await approve(gates, slipId)).toMatchObject({ refusal: { rule: 'limit_exceeded' } });
  });

  test('is not paid where another slip was the same business since, unless people were asked about that', async () => {
    const gates = { ...open, duplicateWindowMs: 60_000 };
    const slipId = await inReview(gates);
    await unitOfWork.query("update recent_slip set at = at - interval '2 minutes'");
    const [second] = await submit(gates, {});
    expect(await approve(gates, slipId)).toMatchObject({
      refusal: { rule: 'business_duplicate', firstSlipId: (second as { slipId: string }).slipId },
    });
    const looked = { ...gates, duplicateReviewMs: 30_000 };
    const repeat = await inReview(looked, { route: 'default' });
    expect(await approve(looked, repeat)).toMatchObject({ type: 'changed', status: 'submitted' });
  });

  test('is paid also when somebody sends a copy of it meanwhile, which people are asked about', async () => {
    const looked = { ...open, duplicateWindowMs: 60_000, duplicateReviewMs: 30_000 };
    const original = await inReview(looked);
    await inReview(looked);
    expect(await approve(looked, original)).toMatchObject({ type: 'changed', status: 'submitted' });
  });

  test('of several at once is let through up to the limit', async () => {
    const wide = { ...open, limits: [{ ...hourly, countMax: 5 }] };
    const narrow = { ...open, limits: [{ ...hourly, countMax: 2 }] };
    const slipIds: string[] = [];
    for (let i = 0; i < 5; i++) slipIds.push(await inReview(wide, { counterparty: `c-${i}` }));
    await unitOfWork.query("update recent_slip set at = at - interval '61 minutes'");
    const outcomes = await Promise.all(slipIds.map((slipId) => approve(narrow, slipId)));
    expect(outcomes.filter(({ type }) => type === 'changed')).toHaveLength(2);
    expect(await unitOfWork.query("select 1 from review where status = 'open'")).toHaveLength(3);
  });

  test.each<Wish>([
    { type: 'decline', by: 'ann', reason: 'other', detail: '' },
    { type: 'withdraw', by: 'shop', reason: '' },
  ])('counts for nothing, and is nobody’s first slip, once it ended otherwise: $type', async (wish) => {
    const gates = { ...open, duplicateWindowMs: 60_000, limits: [{ ...hourly, countMax: 1 }] };
    const slipId = await inReview(gates);
    expect(words(await submit(gates, {}))).toEqual(['business_duplicate']);
    expect(words(await submit(gates, { counterparty: 'c-1' }))).toEqual(['limit_exceeded']);
    expect(await decide(gates, slipId, wish, wish.type === 'withdraw' ? 'shop' : 'ann')).toMatchObject({
      type: 'changed',
    });
    expect(words(await submit(gates, {}))).toEqual(['accepted']);
  });
});

describe('what the gates would say', () => {
  const preview = (gates: GateRules, ...wanted: Partial<Submission>[]) =>
    previewSubmissions(
      { store: intakeStore(unitOfWork, encode), rules: rulesWith(gates), lines: noLines },
      'shop',
      wanted.map((change) => ({ submission: submission(change), isDraft: false })),
    );

  test('is what they say afterwards, in the order of the request, and nothing is written', async () => {
    await set('frozen-1', 'frozen');
    const gates = { ...open, duplicateWindowMs: 60_000, limits: [{ ...hourly, countMax: 2 }] };
    const [first] = await submit(gates, { counterparty: 'c-0' });
    const wanted = [
      { account: 'frozen-1' },
      { counterparty: 'c-0' },
      { counterparty: 'c-1' },
      { counterparty: 'c-1' },
      { counterparty: 'c-2' },
    ];
    const before = await unitOfWork.query('select * from recent_slip');
    const previews = await preview(gates, ...wanted);
    expect(previews).toMatchObject([
      { would: 'refused', refusal: { rule: 'account_frozen' } },
      {
        would: 'refused',
        refusal: { rule: 'business_duplicate', firstSlipId: (first as { slipId: string }).slipId },
      },
      { would: 'submitted' },
      { would: 'refused', refusal: { rule: 'business_duplicate', firstSlipId: null } },
      { would: 'refused', refusal: { rule: 'limit_exceeded' } },
    ]);
    expect(await unitOfWork.query('select * from recent_slip')).toEqual(before);
    expect(await slips()).toBe(1);
    expect(words(await submit(gates, ...wanted))).toEqual([
      ...['account_frozen', 'business_duplicate', 'accepted', 'business_duplicate', 'limit_exceeded'],
    ]);
  });

  test('of a repeat is that people look at it', async () => {
    const gates = { ...open, duplicateWindowMs: 60_000, duplicateReviewMs: 30_000 };
    const [first] = await submit(gates, {});
    expect(await preview(gates, {})).toMatchObject([
      { would: 'in_review', review: { firstSlipId: (first as { slipId: string }).slipId } },
    ]);
  });
});
