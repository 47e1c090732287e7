import { describe, expect, test } from '@jest/globals';
import { IdList } from './slip-ids.ts';

const idOf = (n: number) => `0194f3a0-7b1c-7000-8000-${n.toString(16).padStart(12, '0')}`;
const hexOf = (text: string) => text.replaceAll('-', '');

describe('a list of ids', () => {
  test.each([[0], [1], [16], [17], [1_000]])('gives the bytes of all %d, in order', (count) => {
    const texts = Array.from({ length: count }, (_, n) => idOf(n * 7_919));
    const list = IdList.of(texts);
    expect(list.length).toBe(count);
    expect([...list.bytes()].map((bytes) => bytes.length)).toEqual(texts.map(() => 16));
    const hex = Array.from(list.bytes(), (bytes) => Buffer.from(bytes).toString('hex'));
    expect(hex).toEqual(texts.map(hexOf));
  });

  test.each([['no-uuid'], [idOf(1).toUpperCase()]])('refuses %s', (text) => {
    expect(() => IdList.of([text])).toThrow(RangeError);
  });
});
