import { describe, expect, test } from '@jest/globals';
import { nameProblem } from '@slipstream/kernel';
import fc from 'fast-check';
import {
  accountProblem,
  amountProblem,
  currencyProblem,
  kindProblem,
  metadataProblem,
  timeProblem,
} from './submission-fields.ts';

test('a kind is one of three words', () => {
  for (const kind of ['order', 'payout', 'payment']) expect(kindProblem(kind)).toBeNull();
  for (const kind of ['Order', '', 'refund', null, 1, ['order'], 'constructor'])
    expect(kindProblem(kind)).not.toBeNull();
});

test('an account is a name that the books have not given', () => {
  for (const name of [
    'cust-42',
    'payer:7',
    'payer:x:savings',
    'held',
    'a:b:held',
    'provider',
    'shop:payer:a:held',
  ])
    expect([name, accountProblem(name)]).toEqual([name, null]);
  for (const name of [
    'payer:cust-42:held',
    'payer:cust-42:available',
    'provider:acme:settlement',
    'provider:acme:receivable',
    'provider:acme:fees',
    'payer:a:suspense',
    'house:own:costs',
    'payer:a:b:c:held',
    'payer::held',
  ])
    expect(accountProblem(name)).toContain('account of the books');
  for (const name of ['.', '..']) expect(accountProblem(name)).toContain('no address');
  expect(accountProblem('...')).toBeNull();
  expect(accountProblem(' a')).toContain('visible');
  expect(accountProblem(7)).toBe('must be a string');
});

describe('an amount', () => {
  test.each(['1', '1250', '9007199254740993', '9223372036854775807'])('%s is taken', (amount) =>
    expect(amountProblem(amount)).toBeNull(),
  );
  test.each([
    ['0', 'greater than 0'],
    ['-1', 'greater than 0'],
    ['9223372036854775808', 'at most'],
    ['1'.repeat(400), 'at most'],
    ['1.5', 'whole number'],
    [1250, 'whole number'],
    [true, 'whole number'],
    [undefined, 'whole number'],
  ])('%p is refused with its own reason', (amount, problem) =>
    expect(amountProblem(amount)).toContain(problem),
  );
});

test('a currency is an ISO 4217 code in use', () => {
  for (const currency of ['EUR', 'JPY', 'BHD']) expect(currencyProblem(currency)).toBeNull();
  for (const currency of ['eur', 'XXX', '', 'EURO', 'EU', 978, null, ['EUR'], 'toString'])
    expect(currencyProblem(currency)).toContain('ISO 4217');
});

test('a time is RFC 3339 with a zone and was or will be', () => {
  for (const time of ['2026-11-22T10:39:00Z', '2026-11-22t10:39:00.123456789+05:30', '0001-01-01T00:00:00Z'])
    expect(timeProblem(time)).toBeNull();
  for (const time of [
    '2026-11-22T10:39:00',
    '2026-11-22 10:39:00Z',
    '2026-11-22',
    '2026-02-30T00:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-12-31T23:59:60Z',
    '+275760-09-13T00:00:00Z',
    '2026-11-22T10:39:00+05',
    '',
    1_700_000_000,
    null,
    {},
  ])
    expect(timeProblem(time)).toContain('RFC 3339');
});

describe('metadata', () => {
  test('is at most 16 keys with strings', () => {
    const keys = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));
    expect(metadataProblem({})).toBeNull();
    expect(metadataProblem(keys(16))).toBeNull();
    expect(metadataProblem(keys(17))).toContain('16 keys');
    for (const value of [1, null, true, {}, [], undefined])
      expect(metadataProblem({ a: value })).toContain('strings');
    for (const value of [null, [], 'a', 1]) expect(metadataProblem(value)).toContain('object');
  });
  test('is counted in bytes of UTF-8', () => {
    expect(metadataProblem({ k: 'x'.repeat(4095) })).toBeNull();
    expect(metadataProblem({ k: 'x'.repeat(4096) })).toContain('4096 bytes');
    expect(metadataProblem({ k: '😀'.repeat(1023), kkk: '' })).toBeNull();
    expect(metadataProblem({ k: '😀'.repeat(1024) })).toContain('4096 bytes');
  });
  test('counts every text as its encoder does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 3000 }), (text) => {
        const fits = Buffer.byteLength(text) + 1 <= 4096 && !text.includes('\u0000');
        expect(metadataProblem({ k: text }) === null).toBe(fits);
      }),
    );
  });
  test('cannot have what cannot be stored', () => {
    for (const text of ['\u0000', '\ud800', 'a\udc00b']) {
      expect(metadataProblem({ k: text })).toContain('U+0000');
      expect(metadataProblem({ [text]: 'v' })).toContain('U+0000');
    }
  });
});

test('no value at all makes a check throw', () => {
  const checks = [nameProblem, kindProblem, amountProblem, currencyProblem, timeProblem, metadataProblem];
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true }),
      (value) => {
        for (const check of checks) expect([null, 'string']).toContainEqual(check(value) && 'string');
      },
    ),
  );
});
