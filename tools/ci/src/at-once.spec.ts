import { expect, test } from '@jest/globals';
import { atOnce } from './at-once.ts';

const gib = (count: number) => count * 1024 ** 3;

test.each([
  ['as many as are wanted where there is memory', 24, 3],
  ['as many as there is memory for', 5.9, 2],
  ['one where there is little', 1, 1],
])('%s', (_, memory, expected) => {
  expect(atOnce(3, 2, gib(memory))).toBe(expected);
});
