import { expect, test } from '@jest/globals';
import { Repeats } from './repeats.ts';

test('says a text once, then after a while again with what was left unsaid', () => {
  const repeats = new Repeats(1_000);
  expect([0, 50, 100, 999].map((ms) => repeats.note('away', ms))).toEqual([0, null, null, null]);
  expect(repeats.note('other', 60)).toBe(0);
  expect(repeats.note('away', 1_000)).toBe(3);
  expect(repeats.note('away', 1_500)).toBeNull();
  expect(repeats.note('away', 9_000)).toBe(1);
});

test('remembers a bounded number of texts', () => {
  const repeats = new Repeats();
  for (let n = 0; n < 10_000; n++) expect(repeats.note(`text ${n}`, 0)).toBe(0);
  expect(repeats.note('text 9999', 1)).toBeNull();
});
