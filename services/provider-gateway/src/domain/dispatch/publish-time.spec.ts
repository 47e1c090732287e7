import { expect, test } from '@jest/globals';
import { nextPublishMs, publishMsFirst, publishMsMax, publishMsMin } from './publish-time.ts';

const afterAll = (waits: readonly number[], from = publishMsFirst) => waits.reduce(nextPublishMs, from);

test('a broker that becomes slow is waited for after a few attempts, however slow', () => {
  // An intent that is waited for in vain is waited for all the time that was allowed, and at least for this.
  const connectMs = 500;
  for (const slowMs of [1_000, 4_000, 12_000]) {
    let allowedMs = publishMsFirst;
    let attempts = 1;
    for (; allowedMs + connectMs < slowMs; attempts++)
      allowedMs = nextPublishMs(allowedMs, allowedMs + connectMs);
    expect(attempts).toBeLessThan(6);
  }
});

test('a quick one costs next to nothing again', () => {
  expect(afterAll(Array(100).fill(5), 20_000)).toBe(publishMsMin);
});

test('no broker is waited for without end', () => {
  expect(afterAll(Array(20).fill(publishMsMax))).toBe(publishMsMax);
});
