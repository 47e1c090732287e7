import { describe, expect, it, test } from '@jest/globals';
import { seededRandom } from '@slipstream/kernel';
import fc from 'fast-check';
import { confidence, differenceOf } from './difference.ts';

describe('the difference of two shares', () => {
  /** Newcombe 1998, table II, method 10; there the first share comes first, here the change. */
  test.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [6, 7, 2, 7, 0.0582, 0.8062],
    [5, 56, 0, 29, -0.0381, 0.1926],
    [0, 10, 0, 20, -0.1611, 0.2775],
    [0, 10, 0, 10, -0.2775, 0.2775],
    [10, 10, 0, 20, 0.6791, 1],
    [10, 10, 0, 10, 0.6075, 1],
  ])('%d of %d less %d of %d has the published interval', (a, m, b, n, low, high) => {
    const found = differenceOf({ count: b, of: n }, { count: a, of: m })!;
    expect(found.value).toBeCloseTo(a / m - b / n, 12);
    expect([found.low, found.high].map((end) => Math.round(end * 10_000) / 10_000)).toEqual([low, high]);
  });

  it('is not known of a period in which nothing was judged', () => {
    expect(differenceOf({ count: 0, of: 0 }, { count: 1, of: 2 })).toBeNull();
    expect(differenceOf({ count: 1, of: 2 }, { count: 0, of: 0 })).toBeNull();
  });

  const share = fc
    .integer({ min: 1, max: 1_000_000 })
    .chain((of) => fc.record({ count: fc.integer({ min: 0, max: of }), of: fc.constant(of) }));

  it('lies within its interval, which turns round with the periods and never leaves what is possible', () => {
    fc.assert(
      fc.property(share, share, (before, after) => {
        const { value, low, high } = differenceOf(before, after)!;
        expect(low).toBeGreaterThanOrEqual(-1);
        expect(high).toBeLessThanOrEqual(1);
        expect(low - value).toBeLessThanOrEqual(1e-12);
        expect(value - high).toBeLessThanOrEqual(1e-12);
        const back = differenceOf(after, before)!;
        expect(back.low + high).toBeCloseTo(0, 9);
        expect(back.high + low).toBeCloseTo(0, 9);
      }),
    );
  });

  it('has the truth in its interval as often as it says, at rates as slips have them', () => {
    const seed = Number(process.env.SEED ?? 20_261_127);
    console.log(`seed ${seed}`);
    const random = seededRandom(seed);
    const draw = (rate: number, of: number) => {
      let count = 0;
      for (let i = 0; i < of; i++) count += Number(random.chance(rate));
      return { count, of };
    };
    const rounds = 2_000;
    let covered = 0;
    for (let round = 0; round < rounds; round++) {
      const { low, high } = differenceOf(draw(0.03, 400), draw(0.01, 300))!;
      covered += Number(low <= -0.02 && -0.02 <= high);
    }
    // Five standard deviations of a count of 2,000 with 95 %.
    expect(covered / rounds).toBeGreaterThan(confidence - 0.025);
  });
});
