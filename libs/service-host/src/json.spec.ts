import { describe, expect, it } from '@jest/globals';
import { toSnakeJson, toSnakeKey } from './json.ts';

describe('toSnakeJson', () => {
  it('turns keys into snake_case and bigint into decimal strings, at every depth', () => {
    const slip = {
      slipId: 's1',
      amount: { amount: 9007199254740993n, currency: 'EUR' },
      postedLegs: [{ a1B: 1 }],
    };
    expect(toSnakeJson(slip)).toEqual({
      slip_id: 's1',
      amount: { amount: '9007199254740993', currency: 'EUR' },
      posted_legs: [{ a1_b: 1 }],
    });
  });

  it('leaves the keys of a metadata record alone, but writes its bigints', () => {
    expect(toSnakeJson({ metadata: { orderNo: 1n, nestedOne: { twoKeys: 2 } }, otherKey: null })).toEqual({
      metadata: { orderNo: '1', nestedOne: { twoKeys: 2 } },
      other_key: null,
    });
  });

  it('leaves undefined keys out and keeps holes of lists as null', () => {
    expect(toSnakeJson({ a: undefined, b: [undefined, 1] })).toEqual({ b: [null, 1] });
  });

  it.each([
    ['iso20022', 'iso20022'],
    ['slipID', 'slip_id'],
    ['notReturnedMs', 'not_returned_ms'],
    ['dlqURL', 'dlq_url'],
    ['already_snake', 'already_snake'],
  ])('%s becomes %s', (key, snake) => expect(toSnakeKey(key)).toBe(snake));

  it.each([[new Map()], [Number.NaN], [() => 1], [Symbol('x')]])('refuses what JSON cannot show', (value) => {
    expect(() => toSnakeJson({ value })).toThrow('no JSON form');
  });
});
