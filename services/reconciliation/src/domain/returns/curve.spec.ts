import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ageOf, bucketOf, emptyCurve, learn, returnedBy } from './curve.ts';

const hour = 3_600_000;
const followed = (slips: number, ages: readonly number[], followedMs: number) => {
  const returned: Record<number, number> = {};
  for (const age of ages) returned[bucketOf(age)] = (returned[bucketOf(age)] ?? 0) + 1;
  return { slips, returned, followedMs };
};

describe('a return curve', () => {
  test('says by which age which share has returned, within a bucket never too early', () => {
    const curve = learn(emptyCurve, followed(10, [100, 100, 100, 100, 100, 900, 900, 900], 60_000), 0, hour);
    expect(returnedBy(curve, 90)).toBe(0);
    expect(returnedBy(curve, 120)).toBeCloseTo(0.5);
    expect(returnedBy(curve, 60_000)).toBeCloseTo(0.8);
    expect(ageOf(curve, 0.5)! / 100).toBeCloseTo(1, 0);
    expect(ageOf(curve, 0.9)).toBeNull();
  });

  test('buckets hold ages that differ by less than a fifth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 2 ** 31 }), (age) => {
        const last = ageOf(learn(emptyCurve, followed(1, [age], 2 ** 40), 0, hour), 1)!;
        expect(last).toBeGreaterThanOrEqual(age);
        expect(last / age).toBeLessThan(1.27);
        if (age > 100) expect(last / age).toBeLessThan(1.2);
      }),
    );
  });

  test('takes no slip for lost that was not followed for so long', () => {
    const short = learn(emptyCurve, followed(100, Array(50).fill(1_000), 2_000), 0, hour);
    const both = learn(
      short,
      followed(100, [...Array(50).fill(1_000), ...Array(50).fill(9_000)], 60_000),
      0,
      hour,
    );
    expect(returnedBy(both, 2_000)).toBeCloseTo(0.5);
    expect(returnedBy(both, 60_000)).toBeCloseTo(1);
  });

  test('forgets: what is a half-life old counts half', () => {
    const old = learn(emptyCurve, followed(100, Array(100).fill(1_000), 60_000), 0, hour);
    const later = learn(old, followed(50, [], 60_000), hour, hour);
    expect(later.slips).toBeCloseTo(100);
    expect(returnedBy(later, 60_000)).toBeCloseTo(0.5);
  });
});
