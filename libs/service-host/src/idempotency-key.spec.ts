import { describe, expect, it } from '@jest/globals';
import { parseIdempotencyKey } from './idempotency-key.ts';

describe('parseIdempotencyKey', () => {
  it.each([
    ['bare', 'ord-1001', 'ord-1001'],
    ['quoted', '"ord-1001"', 'ord-1001'],
    ['quoted with escapes', '"a\\"b\\\\c"', 'a"b\\c'],
    ['255 characters', 'k'.repeat(255), 'k'.repeat(255)],
    ['a comma in one header line', 'a,b', 'a,b'],
  ])('accepts %s', (_, value, key) => expect(parseIdempotencyKey([value])).toBe(key));

  it('tells a missing header', () => {
    expect(() => parseIdempotencyKey(undefined)).toThrow('idempotency_key_missing');
  });

  it.each([
    ['empty', ['']],
    ['empty in quotes', ['""']],
    ['256 characters', ['k'.repeat(256)]],
    ['a space', ['a b']],
    ['an emoji as header bytes', ['\u00f0\u009f\u0098\u0080']],
    ['NUL', ['a\u0000b']],
    ['an open quote', ['"abc']],
    ['something after the quotes', ['"abc"; x=1']],
    ['the header twice', ['a', 'a']],
  ])('refuses %s', (_, values) => {
    expect(() => parseIdempotencyKey(values)).toThrow('idempotency_key_invalid');
  });
});
