import { describe, expect, test } from '@jest/globals';
import type { SlipstreamError } from '@slipstream/kernel';
import { checkBody } from './check-body.ts';

const good = {
  reference: 'ord-1001',
  kind: 'order',
  account: 'cust-42',
  counterparty: 'shop-7',
  amount: { amount: '1250', currency: 'EUR' },
  route: 'default',
  deadline: '2026-11-22T10:39:00Z',
  confirm: true,
  metadata: { toString: 'kept' },
};
const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(good).filter(([name]) => !names.includes(name)));

function refusal(body: unknown): { code: string; pointers: string[] } {
  try {
    checkBody(body);
  } catch (error) {
    const { code, errors } = error as SlipstreamError;
    return { code, pointers: errors.map(({ pointer }) => pointer) };
  }
  return { code: 'taken', pointers: [] };
}

test('a good body is taken as it came', () => {
  expect(checkBody(good)).toBe(good);
});

test('what may be absent may be absent', () => {
  const least = without('amount', 'route', 'deadline', 'confirm', 'metadata');
  expect(checkBody(least)).toEqual(least);
  expect(checkBody({ ...least, deadline: null })).toMatchObject({ deadline: null });
});

describe('what must be there', () => {
  test.each(['reference', 'kind', 'account', 'counterparty'])('%s', (name) =>
    expect(refusal(without(name))).toEqual({ code: 'validation_failed', pointers: [`/${name}`] }),
  );
  test.each(['amount', 'currency'])('%s of an amount', (name) => {
    const { [name]: _, ...amount } = good.amount as Record<string, string>;
    expect(refusal({ ...good, amount })).toEqual({
      code: 'validation_failed',
      pointers: [`/amount/${name}`],
    });
  });
});

test('null is a value, and a wrong one but for the deadline', () => {
  const nothing = Object.fromEntries(Object.keys(good).map((name) => [name, null]));
  const wrong = Object.keys(good).filter((name) => name !== 'deadline');
  expect(refusal(nothing)).toEqual({
    code: 'validation_failed',
    pointers: wrong.map((name) => `/${name}`),
  });
});

test.each([null, undefined, 1, 'text', true, [], [good]])('%j is no body', (body) =>
  expect(refusal(body).code).toBe('validation_failed'),
);

test('fields that do not exist are named before those that are wrong', () => {
  const body = { ...good, kind: 'refund', 'a/b~c': 1, amount: { ...good.amount, unit: 'minor' } };
  expect(refusal(body)).toEqual({ code: 'malformed_request', pointers: ['/a~1b~0c', '/amount/unit'] });
});

test('a field that every object has is none of ours', () => {
  expect(refusal({ ...good, toString: 'x' })).toEqual({ code: 'malformed_request', pointers: ['/toString'] });
  expect(refusal(JSON.parse('{"hasOwnProperty": 1}')).pointers).toEqual(['/hasOwnProperty']);
});

test('of many wrong fields a hundred are named', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`x${n}`, n]));
  expect(refusal({ ...good, ...many }).pointers).toHaveLength(100);
});
