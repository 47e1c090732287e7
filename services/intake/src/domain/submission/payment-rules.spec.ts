import { describe, expect, test } from '@jest/globals';
import { brokenRule, type PaymentRule } from './payment-rules.ts';
import type { Submission } from './submission.ts';

const submission: Submission = {
  ...{ caller: 'shop', reference: 'p-1', kind: 'payout', account: 'shop-7', counterparty: 'cust-42' },
  ...{ amount: { amount: 1_250n, currency: 'EUR' }, route: 'default', deadline: null },
  metadata: { method: 'sepa' },
};
const any: PaymentRule = {
  ...{ name: 'payouts', routes: null, kinds: ['payout'], methods: null, currencies: null },
  ...{ amountMin: new Map(), amountMax: new Map(), required: [], cutOff: null },
};
/** A Sunday; in Shanghai it is Monday already. */
const at = '2026-11-22T16:30:00.000000Z';

const broken = (rule: Partial<PaymentRule>, change: Partial<Submission> = {}, now = at) =>
  brokenRule({ ...submission, ...change }, now, [{ ...any, ...rule }]);

test('a rule is about its kinds and its routes', () => {
  const strict = { currencies: ['USD'] };
  expect(broken(strict)).toMatchObject({ rule: 'currency_not_allowed', ruleName: 'payouts' });
  expect(broken(strict, { kind: 'order' })).toBeNull();
  expect(broken({ ...strict, routes: ['other'] })).toBeNull();
  expect(broken({ ...strict, routes: ['other', 'default'] })).not.toBeNull();
});

test('each rule that is about a slip must allow it, and the first that does not is named', () => {
  const rules = [
    { ...any, name: 'one' },
    { ...any, name: 'two', currencies: ['USD'] },
    { ...any, name: 'three', currencies: ['JPY'] },
  ];
  expect(brokenRule(submission, at, rules)).toMatchObject({ ruleName: 'two' });
});

describe('a method', () => {
  const methods = ['sepa', 'card'];

  test.each([
    ['sepa', null],
    ['card', null],
    ['', 'method_missing'],
    ['Sepa', 'method_not_allowed'],
    ['sepa,card', 'method_not_allowed'],
    [' sepa', 'method_not_allowed'],
  ])('%p is taken to the letter', (method, rule) => {
    const refusal = broken({ methods }, { metadata: { method } });
    expect(refusal?.rule ?? null).toBe(rule);
    if (refusal) expect(refusal.field).toBe('metadata/method');
  });

  test('that is not said is missing', () => {
    expect(broken({ methods }, { metadata: {} })).toMatchObject({ rule: 'method_missing' });
  });
});

test('amounts have bounds by currency, both included', () => {
  const rule = { amountMin: new Map([['EUR', 1_000n]]), amountMax: new Map([['EUR', 2_000n]]) };
  const of = (amount: bigint, currency = 'EUR') =>
    broken(rule, { amount: { amount, currency } })?.rule ?? null;
  expect([of(999n), of(1_000n), of(2_000n), of(2_001n)]).toEqual([
    'amount_too_small',
    null,
    null,
    'amount_too_large',
  ]);
  expect(of(1n, 'USD')).toBeNull();
  expect(broken(rule, { amount: null })).toBeNull();
});

test.each([
  ['amount', { amount: null }, 'amount'],
  ['deadline', {}, 'deadline'],
  ['metadata.iban', {}, 'metadata/iban'],
  ['metadata.iban', { metadata: { iban: '' } }, 'metadata/iban'],
] as [string, Partial<Submission>, string][])('%s that is required must be there', (name, change, field) => {
  expect(broken({ required: [name] }, change)).toMatchObject({ rule: 'field_required', field });
  const there = { deadline: '2026-11-23T00:00:00.000000Z', metadata: { iban: 'DE00' } };
  expect(broken({ required: [name] }, there)).toBeNull();
});

describe('a cut-off', () => {
  const cutOff = {
    ...{ zone: 'Asia/Shanghai', from: '00:00', until: '17:00' },
    days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  } as const;
  const rule = (now: string, change = {}) =>
    broken({ cutOff: { ...cutOff, ...change } }, {}, now)?.rule ?? null;

  test.each([
    ['2026-11-22T15:59:00.000000Z', 'cut_off'], // Sunday 23:59 there
    ['2026-11-22T16:00:00.000000Z', null], // Monday 00:00
    ['2026-11-23T08:59:59.999999Z', null], // Monday 16:59
    ['2026-11-23T09:00:00.000000Z', 'cut_off'], // Monday 17:00
  ])('is by the day and the time of its zone: %s', (now, expected) => expect(rule(now)).toBe(expected));

  test('goes by the zone’s clock when that changes', () => {
    const berlin = { zone: 'Europe/Berlin', from: '08:00' };
    // Clocks went back on Sunday, 25 October 2026.
    expect(rule('2026-10-23T06:00:00.000000Z', berlin)).toBeNull();
    expect(rule('2026-10-26T06:00:00.000000Z', berlin)).toBe('cut_off');
    expect(rule('2026-10-26T07:00:00.000000Z', berlin)).toBeNull();
  });
});
