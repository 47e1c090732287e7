import { describe, expect, test } from '@jest/globals';
import { ordinaryTraffic, outage, summarize, troubleOf } from './early-warning.ts';

// A smaller run of `npm run drill -- early-warning`, with seeds of its own.
describe('an early warning', () => {
  const play = (seed: number) => outage(5_000 + seed, troubleOf(seed));

  test('comes before the first overdue of outages that lose 30 % or more, and of nobody else; always the same', () => {
    const outages = Array.from({ length: 6 }, (_, seed) => play(seed));
    const { heavy, warnedInTime, leadMedian, falseWarnings } = summarize(outages);
    expect(heavy).toBeGreaterThan(3);
    // One of twenty may be missed: of so few, one.
    expect(warnedInTime).toBeGreaterThanOrEqual(heavy - 1);
    expect(leadMedian).toBeGreaterThan(0.5);
    expect(falseWarnings).toBe(0);
    expect(play(3)).toEqual(outages[3]);
  });

  test('comes never in ordinary traffic', () => {
    expect(ordinaryTraffic(5_001, 20_000).warnings).toBe(0);
  });
});
