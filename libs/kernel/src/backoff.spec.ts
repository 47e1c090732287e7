import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backoffMs, doublingMs } from './backoff.ts';

const limits = { minMs: 200, maxMs: 10_000 };

test('doubles up to its limit, with the upper half at random', () => {
  const waits = (random: number) => [1, 2, 3, 6, 7, 2_000].map((n) => backoffMs(n, limits, random));
  expect(waits(0)).toEqual([100, 200, 400, 3_200, 5_000, 5_000]);
  expect(waits(1)).toEqual([200, 400, 800, 6_400, 10_000, 10_000]);
  expect(backoffMs(0, limits, 1)).toBe(200);
});

test('property: it is between half of the step and the whole of it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, random) => {
        const step = doublingMs(failures, limits);
        const waitMs = backoffMs(failures, limits, random);
        expect(waitMs).toBeGreaterThanOrEqual(step / 2);
        expect(waitMs).toBeLessThanOrEqual(step);
      },
    ),
  );
});
