import { describe, expect, test } from '@jest/globals';
import {
  type AccountLimit,
  type Gate,
  type GateRules,
  gateOf,
  gateRefusal,
  onceMore,
  passingRepeats,
  repeatOf,
} from './gates.ts';
import type { Submission } from './submission.ts';

const submission: Submission = {
  ...{ caller: 'shop', reference: 'p-1', kind: 'payout', account: 'shop-7', counterparty: 'cust-42' },
  ...{ amount: { amount: 1_250n, currency: 'EUR' }, route: 'default', deadline: null, metadata: {} },
};
const limit: AccountLimit = {
  ...{ name: 'hourly', kinds: ['payout'], routes: null, windowMs: 3_600_000, countMax: 5 },
  amountMax: new Map([['EUR', 9_000n]]),
};
const rules: GateRules = {
  openOnFirstUse: true,
  duplicateWindowMs: 0,
  duplicateReviewMs: null,
  limits: [limit],
};
const keysOf = (change: Partial<Submission>, limits: AccountLimit[] = [limit]) =>
  gateOf({ ...submission, ...change }, { ...rules, limits }).windows?.limits.map(({ key }) => key) ?? [];

test('a limit counts the slip and adds its amount, each under a key of its own', () => {
  expect(gateOf(submission, rules)).toEqual({
    ...{ account: 'shop-7', counterparty: 'cust-42', knownOnly: false },
    windows: {
      ...{ business: null, duplicateMs: 0, again: false },
      limits: [
        { key: 'hourly', windowMs: 3_600_000, most: 5n, adds: 1n },
        { key: 'hourly EUR', windowMs: 3_600_000, most: 9_000n, adds: 1_250n },
      ],
    },
  });
});

test('a limit is about its kinds, its routes and the currencies that it names', () => {
  expect(keysOf({ kind: 'order' })).toEqual([]);
  expect(keysOf({ route: 'other' }, [{ ...limit, routes: ['default'] }])).toEqual([]);
  expect(keysOf({}, [{ ...limit, routes: ['default'] }])).toEqual(['hourly', 'hourly EUR']);
  expect(keysOf({ amount: { amount: 1n, currency: 'JPY' } })).toEqual(['hourly']);
  expect(keysOf({ amount: null }, [{ ...limit, countMax: null }])).toEqual([]);
});

test('where no window is about a slip the store is asked for none', () => {
  expect(gateOf({ ...submission, kind: 'order' }, rules).windows).toBeNull();
});

describe('the same business', () => {
  const watched = { ...rules, duplicateWindowMs: 60_000, limits: [] };
  const business = (change: Partial<Submission>) =>
    gateOf({ ...submission, ...change }, watched).windows?.business;

  test('is the same, whatever its reference and caller', () => {
    expect(business({ reference: 'p-2', caller: 'other', metadata: { a: 'b' } })).toBe(business({}));
  });

  test.each<[string, Partial<Submission>]>([
    ['counterparty', { counterparty: 'cust-43' }],
    ['kind', { kind: 'payment' }],
    ['amount', { amount: { amount: 1_251n, currency: 'EUR' } }],
    ['currency', { amount: { amount: 1_250n, currency: 'USD' } }],
    ['lack of an amount', { amount: null }],
  ])('is another one with another %s', (_, change) => {
    expect(business(change)).not.toBe(business({}));
  });
});

describe('a repeat', () => {
  const watched = { ...rules, duplicateWindowMs: 60_000 };
  const refusal = gateRefusal('business_duplicate', gateOf(submission, watched), 's-1');

  test('is refused, or looked at where people are to', () => {
    expect(repeatOf(refusal, watched)).toBeNull();
    const looked = { ...watched, duplicateReviewMs: 5_000 };
    expect(repeatOf(refusal, looked)).toEqual({ firstSlipId: 's-1', reviewMs: 5_000 });
    expect(repeatOf({ ...refusal, rule: 'limit_exceeded' }, looked)).toBeNull();
  });

  test('that people know of is business for those behind it, and still has its limits', () => {
    const { windows } = gateOf(submission, watched);
    const known = passingRepeats(gateOf(submission, watched)).windows;
    expect(known).toEqual({ ...windows, duplicateMs: 0 });
    expect(known!.business).not.toBeNull();
  });

  test('where no window is about it has none once more, or as a repeat', () => {
    const none = gateOf({ ...submission, kind: 'order' }, rules);
    expect([onceMore(none), passingRepeats(none)]).toEqual([none, none]);
    expect(onceMore(gateOf(submission, watched)).windows).toMatchObject({ again: true, duplicateMs: 60_000 });
  });
});

describe('what a gate says', () => {
  const gate: Gate = gateOf(submission, rules);

  test.each([
    ['account_frozen', 'account', 'The account shop-7 is frozen.'],
    ['counterparty_closed', 'counterparty', 'The account cust-42 is closed.'],
    ['account_unknown', 'account', 'Nobody has opened the account shop-7.'],
  ] as const)('%s names the account that is meant', (word, field, detail) => {
    expect(gateRefusal(word, gate, null)).toEqual({ rule: word, field, detail });
  });

  test('of a limit names it', () => {
    expect(gateRefusal('limit_exceeded hourly', gate, null)).toMatchObject({
      ...{ rule: 'limit_exceeded', field: 'account', detail: expect.stringContaining('hourly') },
    });
    expect(gateRefusal('limit_exceeded hourly EUR', gate, null)).toMatchObject({ field: 'amount' });
  });

  test('of a duplicate names the slip that came first', () => {
    expect(gateRefusal('business_duplicate', gate, 's-1')).toMatchObject({
      rule: 'business_duplicate',
      firstSlipId: 's-1',
    });
  });
});
