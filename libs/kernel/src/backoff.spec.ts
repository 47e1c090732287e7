import { expect, test } from '@jest/globals';
import { backoffMs } from './backoff.ts';

const limits = { minMs: 200, maxMs: 10_000 };

test('doubles up to its limit, with the upper half at random', () => {
  const waits = (random: number) => [1, 2, 3, 6, 7, 2_000].map((n) => backoffMs(n, limits, random));
  expect(waits(0)).toEqual([100, 200, 400, 3_200, 5_000, 5_000]);
  expect(waits(1)).toEqual([200, 400, 800, 6_400, 10_000, 10_000]);
  expect(backoffMs(0, limits, 1)).toBe(200);
});
