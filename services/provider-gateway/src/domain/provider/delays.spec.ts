import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bucketOf, summarize, upToMs } from './delays.ts';

test('a bucket holds what is at most so long, and little more than the one before', () => {
  const ms = fc.integer({ min: 2, max: 1_000_000_000 });
  fc.assert(
    fc.property(ms, (value) => {
      const bucket = bucketOf(value);
      expect(upToMs(bucket) + 1).toBeGreaterThanOrEqual(value);
      expect(2 ** ((bucket - 1) / 2)).toBeLessThan(value);
    }),
  );
  expect([bucketOf(0), bucketOf(1), bucketOf(Number.MAX_SAFE_INTEGER)]).toEqual([0, 0, 70]);
});

test('a summary tells how long most took, and the longest', () => {
  const counts = new Map([
    [bucketOf(8), 96],
    [bucketOf(20_000), 1],
    [bucketOf(64), 3],
  ]);
  expect(summarize(counts)).toEqual({
    ...{ count: 100, p50Ms: 8, p95Ms: 8, p99Ms: 64 },
    maxMs: upToMs(bucketOf(20_000)),
  });
  expect(summarize(new Map())).toEqual({ count: 0, p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null });
});
