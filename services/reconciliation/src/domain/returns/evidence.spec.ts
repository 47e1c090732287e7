import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bucketOf, emptyCurve, learn } from './curve.ts';
import { calm, evidenceOf, lostShares, meanOf, ordinary, owedBy, withCohort } from './evidence.ts';

const allowance = { pauseShare: 0.1, slowerTimes: 2, lostShare: 0.05 };
const curve = learn(
  emptyCurve,
  { slips: 100, returned: { [bucketOf(1_000)]: 100 }, followedMs: 60_000 },
  0,
  1,
);
const share = fc.double({ min: 0.001, max: 0.999, noNaN: true });

describe('the evidence of a slip', () => {
  const of = (returned: number, owed: number, lost: number) =>
    Math.exp(evidenceOf({ returned, open: 1 - returned, owed }, lost));

  test('is expected to be at most 1 when it returns at least as soon as it is owed, and exactly 1 at the worst', () => {
    fc.assert(
      fc.property(share, share, fc.constantFrom(...lostShares), (owed, more, lost) => {
        const truth = owed + more * (1 - owed);
        expect(truth * of(1, owed, lost) + (1 - truth) * of(0, owed, lost)).toBeLessThanOrEqual(1 + 1e-9);
        expect(owed * of(1, owed, lost) + (1 - owed) * of(0, owed, lost)).toBeCloseTo(1, 6);
      }),
    );
  });

  test('is a martingale at the worst: what it is now is what it is expected to be when more is owed', () => {
    fc.assert(
      fc.property(share, share, fc.constantFrom(...lostShares), (a, b, lost) => {
        const [before, after] = [Math.min(a, b), Math.max(a, b)];
        const returns = (after - before) / (1 - before);
        const expected = returns * of(1, after, lost) + (1 - returns) * of(0, after, lost);
        expect(expected / of(0, before, lost)).toBeCloseTo(1, 6);
      }),
    );
  });

  test('grows while it is open, and is the same whenever it returned', () => {
    expect(of(0, 0, 0.9)).toBe(1);
    expect(of(0, 0.9, 0.9)).toBeGreaterThan(of(0, 0.5, 0.9));
    expect(of(1, 0.2, 0.5)).toBeCloseTo(0.5);
    expect(of(1, 0.9, 0.5)).toBeCloseTo(0.5);
  });
});

describe('what is owed', () => {
  test('is nothing during a pause, then the curve at its slowest, less what may be lost', () => {
    const allowed = ordinary(curve, 60_000, allowance)!;
    expect(owedBy(allowed, 6_000)).toBe(0);
    expect(owedBy(allowed, 6_000 + 1_900)).toBe(0);
    expect(owedBy(allowed, 6_000 + 2_500)).toBeCloseTo(0.95);
  });

  test('allows twice the loss of other days; where half does not return nothing is owed', () => {
    const lossy = (lost: number) =>
      learn(
        emptyCurve,
        { slips: 100, returned: { [bucketOf(1_000)]: 100 - lost }, followedMs: 60_000 },
        0,
        1,
      );
    expect(owedBy(ordinary(lossy(20), 60_000, allowance)!, 60_000)).toBeCloseTo(0.6);
    expect(ordinary(lossy(25), 60_000, allowance)).toBeNull();
    expect(ordinary(emptyCurve, 60_000, allowance)).toBeNull();
  });
});

describe('a detector', () => {
  test('takes the strongest of all beginnings', () => {
    const run = (logs: readonly number[]) => logs.reduce((one, log, i) => withCohort(one, log, i), calm);
    expect(run([2, -1, 1])).toEqual({ log: 2, since: 0 });
    expect(run([2, -3, 4, -1])).toEqual({ log: 3, since: 2 });
    expect(run([2, -3])).toEqual(calm);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 12 }), (logs) => {
        const sums = logs.map((_, i) => logs.slice(i).reduce((sum, log) => sum + log, 0));
        expect(run(logs).log).toBe(Math.max(0, ...sums));
      }),
    );
  });

  test('shares its threshold with the others: their mean counts', () => {
    const mean = meanOf([{ log: Math.log(30), since: 1 }, calm, { log: Math.log(8), since: 1 }]);
    expect(mean).toBeCloseTo(Math.log(13));
    expect(meanOf([{ log: 2_000, since: 1 }, calm])).toBeCloseTo(2_000 - Math.log(2));
  });
});
