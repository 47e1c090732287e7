import { describe, expect, test } from '@jest/globals';
import { addMicros, addMs, instantFromMs } from '@slipstream/kernel';
import fc from 'fast-check';
import {
  type Circumstances,
  decideSubmission,
  type RoutePolicy,
  type SubmissionRules,
  waitMsMax,
} from './decide-submission.ts';
import type { Submission } from './submission.ts';

const policy: RoutePolicy = {
  mode: 'dispatched',
  provider: 'acme',
  kinds: ['order', 'payout', 'payment'],
  outcomeDeadlineMs: 5_000,
  answerMsMax: 3_000,
  overdraft: { order: true, payment: true, payout: true },
  quietPeriodMs: 2_000,
  inquiryLadderMs: [0, 2_000],
  draftExpiresMs: 60_000,
  draftRemindBeforeMs: 10_000,
  review: null,
};
const rules: SubmissionRules = {
  configDigest: 'c0ffee',
  graceMs: 7,
  payments: [],
  gates: { openOnFirstUse: true, duplicateWindowMs: 0, duplicateReviewMs: null, limits: [] },
  routes: new Map([
    ['default', policy],
    ['orders', { ...policy, kinds: ['order'] }],
    ['import', { ...policy, mode: 'reported', provider: null, answerMsMax: 0 }],
  ]),
};
const submission: Submission = {
  caller: 'shop',
  reference: 'ord-1',
  kind: 'payment',
  account: 'cust-42',
  counterparty: 'shop-7',
  amount: { amount: 9_007_199_254_740_993n, currency: 'EUR' },
  route: 'default',
  deadline: null,
  metadata: {},
};
const now = '2026-11-22T10:39:00.123456Z';
const wall: Circumstances = {
  clock: 'wall',
  receivedAt: now,
  clockClosed: false,
  waitMs: 0,
  throttled: false,
  repeat: null,
};
const imported: Circumstances = {
  clock: 'import-1',
  receivedAt: '2017-03-01T00:00:00.000000Z',
  clockClosed: false,
  waitMs: 0,
  throttled: false,
  repeat: null,
};
const yearMs = 365 * 86_400_000;

const decide = (change: Partial<Submission> = {}, circumstances = wall) =>
  decideSubmission({ ...submission, ...change }, circumstances, rules);
const refused = (rule: string) => ({ accepted: false, refusal: { rule } });
const deadlineOf = (change: Partial<Submission>, circumstances = wall) => {
  const decision = decide(change, circumstances);
  return decision.accepted ? decision.event.data.deadline : decision.refusal.rule;
};

test('an accepted slip carries its route and the rules that judged it, frozen', () => {
  expect(decide({ metadata: { gift: 'yes' } })).toEqual({
    accepted: true,
    event: {
      type: 'SlipSubmitted',
      data: {
        caller: 'shop',
        reference: 'ord-1',
        kind: 'payment',
        account: 'cust-42',
        counterparty: 'shop-7',
        amount: { amount: 9_007_199_254_740_993n, currency: 'EUR' },
        route: 'default',
        mode: 'dispatched',
        provider: 'acme',
        overdraft: true,
        overdraftLimit: null,
        reviewRequired: false,
        deadline: '2026-11-22T10:39:05.123456Z',
        policy: { graceMs: 7, quietPeriodMs: 2_000, inquiryLadderMs: [0, 2_000], stages: null },
        configDigest: 'c0ffee',
        details: { clear: { text: '', metadata: { gift: 'yes' } }, sealed: null },
      },
    },
    review: null,
  });
});

test('an accepted slip carries how far its route lets its kind overdraw its account', () => {
  const far = new Map([['EUR', 500n]]);
  const route = { ...policy, overdraft: { order: false, payment: true, payout: far } };
  const carried = (change: Partial<Submission>) => {
    const limited = { ...rules, routes: new Map([['default', route]]) };
    const decision = decideSubmission({ ...submission, ...change }, wall, limited);
    const { overdraft, overdraftLimit } = decision.accepted ? decision.event.data : {};
    return [overdraft, overdraftLimit];
  };
  expect(carried({ kind: 'payment' })).toEqual([true, null]);
  expect(carried({ kind: 'order' })).toEqual([false, 0n]);
  expect(carried({ kind: 'payout' })).toEqual([false, 500n]);
  expect(carried({ kind: 'payout', amount: { amount: 1n, currency: 'JPY' } })).toEqual([false, 0n]);
});

test('without metadata there are no details', () => {
  expect(decide()).toMatchObject({ accepted: true, event: { data: { details: null } } });
});

test('a business rule refuses by name', () => {
  expect(decide({ counterparty: 'cust-42' })).toMatchObject(refused('same_account'));
  expect(decide({ route: 'nowhere' })).toMatchObject(refused('route_unknown'));
  expect(decide({ route: 'toString' })).toMatchObject(refused('route_unknown'));
  expect(decide({ route: 'orders' })).toMatchObject(refused('kind_not_on_route'));
  expect(decide({ route: 'orders', kind: 'order' })).toMatchObject({ accepted: true });
});

describe('a slip that people must approve', () => {
  const review = { kinds: ['payout'], fromAmount: null, secondPersonFrom: null, deadlineMs: 60_000 } as const;
  const reviewed = {
    ...rules,
    routes: new Map([
      ['default', { ...policy, review }],
      ['import', { ...policy, ...({ review, mode: 'reported', provider: null, answerMsMax: 0 } as const) }],
    ]),
  };
  const judge = (change: Partial<Submission> = {}, circumstances = wall) =>
    decideSubmission({ ...submission, kind: 'payout', ...change }, circumstances, reviewed);

  test('says so, and has the latest deadline that an approval can give it', () => {
    expect(judge()).toMatchObject({
      event: { data: { reviewRequired: true, deadline: addMs(now, 65_000) } },
      review: { rules: ['review_kind'], dueAt: addMs(now, 60_000), outcomeDeadlineMs: 5_000 },
    });
    expect(judge({ kind: 'order' })).toMatchObject({
      event: { data: { reviewRequired: false } },
      review: null,
    });
  });
  test('keeps the deadline that it came with, and must be approved while there is time for an answer', () => {
    const deadline = addMs(now, 30_000);
    expect(judge({ deadline })).toMatchObject({
      event: { data: { deadline } },
      review: { dueAt: addMs(now, 27_000), outcomeDeadlineMs: null },
    });
  });
  test('is none on an import’s clock: it has happened already', () => {
    expect(judge({ route: 'import' }, imported)).toMatchObject({
      event: { data: { reviewRequired: false } },
      review: null,
    });
  });
});

describe('a deadline on the wall clock', () => {
  test('is at least as far off as a call and its answer may take', () => {
    const least = addMs(now, 3_000);
    expect(deadlineOf({ deadline: least })).toBe(least);
    expect(decideSubmission({ ...submission, deadline: addMicros(least, -1n) }, wall, rules)).toEqual({
      accepted: false,
      refusal: {
        rule: 'deadline_too_close',
        field: 'deadline',
        detail:
          'The deadline must be at least 3000 ms ahead, as long as the route default may need for an answer.',
      },
    });
  });

  test('lies in the future and within a year, to the microsecond', () => {
    expect(deadlineOf({ deadline: now })).toBe('deadline_in_past');
    expect(deadlineOf({ deadline: addMicros(now, 1n) })).toBe('deadline_too_close');
    expect(deadlineOf({ route: 'import', deadline: addMicros(now, 1n) })).toBe(addMicros(now, 1n));
    expect(deadlineOf({ deadline: addMs(now, yearMs) })).toBe(addMs(now, yearMs));
    expect(deadlineOf({ deadline: addMicros(addMs(now, yearMs), 1n) })).toBe('deadline_too_far');
  });
});

describe('a slip whose call would come too late', () => {
  const behind = (waitMs: number) => ({ ...wall, waitMs });

  test('is refused, with the time after which it may fit; one that waits half of its time at most, or 5 s, is not', () => {
    expect(decide({}, behind(5_000))).toMatchObject({ accepted: true });
    expect(decide({}, behind(5_001))).toEqual({
      accepted: false,
      refusal: {
        ...{ rule: 'wait_too_long', field: 'deadline', retryAfterS: 1 },
        detail: 'Slips of the route default wait 6 s for their call: longer than this one can.',
      },
    });
    expect(decide({}, behind(12_000))).toMatchObject({ refusal: { retryAfterS: 7 } });
    expect(decide({}, behind(3_600_000))).toMatchObject({ refusal: { retryAfterS: 60 } });
  });
  test('may come with a later deadline, and must not with a sooner one', () => {
    expect(decide({ deadline: addMs(now, 60_000) }, behind(30_000))).toMatchObject({ accepted: true });
    expect(decide({ deadline: addMs(now, 60_000) }, behind(30_001))).toMatchObject(refused('wait_too_long'));
    expect(decide({ deadline: addMs(now, 8_000) }, behind(5_000))).toMatchObject({ accepted: true });
    expect(decide({ deadline: addMs(now, 4_000) }, behind(4_001))).toMatchObject(refused('wait_too_long'));
  });
  test('is also one of too many at once, though it may wait so long', () => {
    const throttled = { ...behind(2_000), throttled: true };
    expect(decide({}, throttled)).toEqual({
      accepted: false,
      refusal: {
        ...{ rule: 'throttled', field: 'route', retryAfterS: 1 },
        detail: 'More slips come on the route default than leave it: those before this one wait 2 s.',
      },
    });
    expect(decide({ route: 'import' }, throttled)).toMatchObject({ accepted: true });
    expect(waitMsMax(submission, now, rules)).toBe(5_000);
    expect(waitMsMax({ ...submission, deadline: addMs(now, 60_000) }, now, rules)).toBe(30_000);
  });
  test('is one that is called now: not an import, not a report, not one that people look at first', () => {
    const long = behind(60_000);
    expect(decide({ route: 'import' }, long)).toMatchObject({ accepted: true });
    expect(decide({ route: 'import' }, { ...imported, waitMs: 60_000 })).toMatchObject({ accepted: true });
    const review = {
      kinds: ['payment'],
      fromAmount: null,
      secondPersonFrom: null,
      deadlineMs: 60_000,
    } as const;
    const reviewed = { ...rules, routes: new Map([['default', { ...policy, review }]]) };
    expect(decideSubmission(submission, long, reviewed)).toMatchObject({ accepted: true });
  });
});

describe('on an import’s clock', () => {
  test('a route must be reported, so that nobody is called', () => {
    expect(decide({}, imported)).toMatchObject(refused('route_not_reported'));
    expect(decide({ route: 'import' }, imported)).toMatchObject({
      accepted: true,
      event: { data: { mode: 'reported', provider: null, deadline: '2017-03-01T00:00:05.000000Z' } },
    });
  });
  test('a deadline has no limits', () => {
    for (const deadline of ['2017-01-01T00:00:00.000000Z', '2030-01-01T00:00:00.000000Z'])
      expect(deadlineOf({ route: 'import', deadline }, imported)).toBe(deadline);
  });
  test('a policy that ends after the end of time is refused, not thrown', () => {
    const late = { ...imported, receivedAt: '9999-12-31T23:59:58.000000Z' };
    expect(deadlineOf({ route: 'import' }, late)).toBe('deadline_too_far');
  });
  test('a deadline is refused when it could only be judged after the end of time', () => {
    const last = '9999-12-31T23:59:59.992998Z';
    expect(deadlineOf({ route: 'import', deadline: last }, imported)).toBe(last);
    expect(addMs(last, rules.graceMs) < '9999-12-31T23:59:59.999999Z').toBe(true);
    for (const deadline of [addMicros(last, 1n), '9999-12-31T23:59:59.999999Z'])
      expect(deadlineOf({ route: 'import', deadline }, imported)).toBe('deadline_too_far');
  });
  test('nothing is taken on a closed one', () => {
    expect(decide({ route: 'import' }, { ...imported, clockClosed: true })).toMatchObject(
      refused('clock_closed'),
    );
  });
});

test('whatever is submitted, an accepted slip moves between two accounts on a known route and ends in time', () => {
  const instants = fc
    .integer({ min: Date.UTC(2026, 0), max: Date.UTC(2029, 0) })
    .map((ms) => instantFromMs(ms));
  const submissions = fc.record({
    caller: fc.constant('shop'),
    reference: fc.string({ minLength: 1 }),
    kind: fc.constantFrom('order', 'payout', 'payment') as fc.Arbitrary<Submission['kind']>,
    account: fc.constantFrom('a', 'b'),
    counterparty: fc.constantFrom('a', 'b'),
    amount: fc.option(
      fc.record({ amount: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), currency: fc.constant('EUR') }),
    ),
    route: fc.constantFrom('default', 'orders', 'import', 'nowhere', '__proto__'),
    deadline: fc.option(instants),
    metadata: fc.dictionary(fc.string(), fc.string()),
  });
  const circumstances = fc.record({
    clock: fc.constantFrom('wall', 'import-1'),
    receivedAt: instants,
    clockClosed: fc.boolean(),
    waitMs: fc.integer({ min: 0, max: 100_000_000 }),
    throttled: fc.boolean(),
    repeat: fc.constantFrom(null, { firstSlipId: 'slip-0', reviewMs: 60_000 }),
  });
  fc.assert(
    fc.property(submissions, circumstances, (submission, at) => {
      const decision = decideSubmission(submission, at, rules);
      expect(decideSubmission(submission, at, rules)).toEqual(decision);
      if (!decision.accepted) return;
      const { data } = decision.event;
      expect(data.account).not.toBe(data.counterparty);
      expect(rules.routes.get(data.route)).toMatchObject({ mode: data.mode, provider: data.provider });
      expect(data.amount).toEqual(submission.amount);
      expect(at.clockClosed).toBe(false);
      if (at.clock === 'wall') {
        expect(data.deadline > at.receivedAt && data.deadline <= addMs(at.receivedAt, yearMs)).toBe(true);
      } else expect(data.mode).toBe('reported');
    }),
    { numRuns: 1_000 },
  );
});
