import { expect, test } from '@jest/globals';
import { consumerDefaults, fetchWaits } from './consumer-options.ts';
import { LongPolls } from './long-polls.ts';

const polls = () => new LongPolls({ shortMs: 1_000, quietMs: 3_000 });

test('a fetch waits longer once nothing came for a while, of each broker by itself', () => {
  const own = polls();
  const waits = [];
  for (let n = 0; n < 7; n++) {
    waits.push(own.waitMs('1', false));
    own.answered('1', false);
  }
  expect(waits).toEqual([1_000, 1_000, 1_000, 1_000, 1_000, 3_000, 3_000]);
  expect(own.waitMs('2', false)).toBe(1_000);
});

test('and shorter with the first record', () => {
  const own = polls();
  for (let n = 0; n < 7; n++) own.answered('1', false);
  own.answered('1', true);
  expect(own.waitMs('1', false)).toBe(1_000);
});

test('while a partition is paused the waits are short: it is asked for with the fetch after it is resumed', () => {
  const own = polls();
  for (let n = 0; n < 7; n++) own.answered('1', false);
  expect([own.waitMs('1', true), own.waitMs('1', false)]).toEqual([1_000, 3_000]);
});

test('three heartbeats fit into a session, also while it is quiet', () => {
  const { quietMs } = fetchWaits(consumerDefaults);
  expect(quietMs * 3).toBeLessThanOrEqual(consumerDefaults.sessionTimeoutMs);
  expect(quietMs).toBeGreaterThan(consumerDefaults.maxWaitMs);
  expect(fetchWaits({ ...consumerDefaults, maxWaitMs: 8_000 }).quietMs).toBe(8_000);
});
