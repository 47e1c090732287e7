import { expect, test } from '@jest/globals';
import { CallWindow } from './call-window.ts';

const call = (atMs: number, tookMs: number, isFailure = false) => ({
  atMs,
  tookMs,
  isFailure,
  isTimeout: false,
});

test('nothing is known without calls', () => {
  expect(new CallWindow().summary(0)).toEqual({
    ...{ calls: 0, failures: 0, timeouts: 0, p50Ms: null, p95Ms: null, p99Ms: null },
  });
});

test('so many in a hundred calls had ended by a percentile', () => {
  const window = new CallWindow();
  for (let ms = 100; ms >= 1; ms--) window.note(call(0, ms, ms > 90));
  expect(window.summary(0)).toMatchObject({ calls: 100, failures: 10, p50Ms: 50, p95Ms: 95, p99Ms: 99 });
});

test('calls of more than a minute ago count no more, and of many only the last two hundred', () => {
  const window = new CallWindow();
  window.note(call(0, 9_000, true));
  expect(window.summary(60_000).calls).toBe(1);
  expect(window.summary(60_001).calls).toBe(0);
  for (let n = 0; n < 1_000; n++) window.note(call(60_000, n));
  expect(window.summary(60_000)).toMatchObject({ calls: 200, failures: 0, p50Ms: 899 });
});
