import { describe, expect, test } from '@jest/globals';
import { ordinaryTraffic, outage, summarize, troubleOf } from './early-warning.ts';

// A smaller run of `npm run drill -- early-warning`, with seeds of its own.
describe('an early warning', () => {
  test('comes before the first overdue of outages that lose 30 % or more, and of nobody else', () => {
    const outages = Array.from({ length: 18 }, (_, seed) => outage(5_000 + seed, troubleOf(seed)));
    const { heavy, warnedInTimeShare, leadMedian, falseWarnings } = summarize(outages);
    expect(heavy).toBeGreaterThan(10);
    expect(warnedInTimeShare).toBeGreaterThanOrEqual(0.95);
    expect(leadMedian).toBeGreaterThan(0.5);
    expect(falseWarnings).toBe(0);
  });

  test('comes never in ordinary traffic', () => {
    expect(ordinaryTraffic(5_001, 20_000).warnings).toBe(0);
  });

  test('is the same each time it is played', () => {
    expect(outage(5_100, troubleOf(3))).toEqual(outage(5_100, troubleOf(3)));
  });
});
