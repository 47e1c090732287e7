import { expect, test } from '@jest/globals';
import { consumerDefaults, fetchWaits } from './consumer-options.ts';
import { LongPolls } from './long-polls.ts';

const polls = () => new LongPolls({ shortMs: 1_000, quietMs: 3_000, pauseMs: () => 20 });
const nothing = { records: 0, bytes: 0, begunAtMs: 0, partitions: [] };
const some = { records: 1, bytes: 600, begunAtMs: 0, partitions: [0] };

test('a fetch waits longer once nothing came for a while, of each broker by itself', () => {
  const own = polls();
  const waits = [];
  for (let n = 0; n < 7; n++) {
    waits.push(own.waitMs('1', false));
    own.answered('1', nothing);
  }
  expect(waits).toEqual([1_000, 1_000, 1_000, 1_000, 1_000, 3_000, 3_000]);
  expect(own.waitMs('2', false)).toBe(1_000);
});

test('and shorter with the first record', () => {
  const own = polls();
  for (let n = 0; n < 7; n++) own.answered('1', nothing);
  own.answered('1', some);
  expect(own.waitMs('1', false)).toBe(1_000);
});

test('while a partition is paused the waits are short: it is asked for with the fetch after it is resumed', () => {
  const own = polls();
  for (let n = 0; n < 7; n++) own.answered('1', nothing);
  expect([own.waitMs('1', true), own.waitMs('1', false)]).toEqual([1_000, 3_000]);
});

test('records that trickle in are fetched together, the first after a pause at once, and what is much without a pause', () => {
  const own = polls();
  expect(own.pauseMs('1', 100)).toBe(0);
  own.answered('1', { ...some, begunAtMs: 100 });
  expect([own.pauseMs('1', 105), own.pauseMs('1', 120), own.pauseMs('1', 500)]).toEqual([15, 0, 0]);
  expect(own.pauseMs('2', 105)).toBe(0);
  own.answered('1', { ...some, records: 90, bytes: 50_000, begunAtMs: 200 });
  expect(own.pauseMs('1', 201)).toBe(0);
});

test('who has brought records is asked for last', () => {
  const own = polls();
  expect(own.inTurn([0, 1, 2, 3])).toEqual([0, 1, 2, 3]);
  own.answered('1', { ...some, partitions: [0, 1] });
  expect(own.inTurn([0, 1, 2, 3])).toEqual([2, 3, 0, 1]);
  own.answered('1', nothing);
  own.answered('1', { ...some, partitions: [2, 0] });
  expect(own.inTurn([0, 1, 2, 3])).toEqual([3, 1, 0, 2]);
});

test('three heartbeats fit into a session, also while it is quiet', () => {
  const { quietMs } = fetchWaits(consumerDefaults, () => 20);
  expect(quietMs * 3).toBeLessThanOrEqual(consumerDefaults.sessionTimeoutMs);
  expect(quietMs).toBeGreaterThan(consumerDefaults.maxWaitMs);
  expect(fetchWaits({ ...consumerDefaults, maxWaitMs: 8_000 }, () => 20).quietMs).toBe(8_000);
});
