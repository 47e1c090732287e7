import { describe, expect, test } from '@jest/globals';
import { emptySnapshot, HotPartition } from './hot-partition.ts';
import { idWords } from './slip-ids.ts';

const ms = 1_000;
const deadline = 1_800_000_000_000_000;

function withSlipDueAt(due: number): HotPartition {
  const partition = new HotPartition(0, emptySnapshot(0));
  const id = new Uint32Array(idWords).fill(7);
  partition.submitted(id, 1, {
    ...{ deadline: due, graceMs: 0, amount: -1, currency: 0, route: 'default' },
    ...{ stages: null, inReview: false, receivedAt: due - 10_000 * ms },
  });
  return partition;
}

describe('a partition followed in memory', () => {
  test.each([
    ['long before it', -251 * ms, false],
    ['shortly before it', -249 * ms, true],
    ['at it', 0, true],
    ['just behind it', 999 * ms, true],
    ['while records of long ago are read', 1_001 * ms, false],
  ])('has a deadline about to pass or not: %s', (_, away, isAround) => {
    expect(withSlipDueAt(deadline).isDueAround(deadline + away)).toBe(isAround);
  });

  test('has none when nothing is open', () => {
    const partition = withSlipDueAt(deadline);
    partition.hot.remove(partition.find('00000007-0000-0007-0000-000700000007'));
    expect(partition.isDueAround(deadline)).toBe(false);
  });

  test('has a snapshot that a release which knows no limits of reviews reads, as long as there are none', () => {
    const limits = { warnMs: 1, actMs: 0 };
    const stages = { submitted: limits, review: limits, held: null, dispatching: null, returned: null };
    const partition = withSlipDueAt(deadline);
    const begin = (n: number, inReview: boolean) =>
      partition.submitted(new Uint32Array(idWords).fill(n), n, {
        ...{ deadline, graceMs: 0, amount: -1, currency: 0, route: 'default' },
        ...{ stages, inReview, receivedAt: deadline - 10_000 * ms },
      });
    begin(8, false);
    const before = partition.snapshot(9, new Map()).format;
    begin(9, true);
    const snapshot = partition.snapshot(10, new Map());
    expect([before, snapshot.format]).toEqual([4, 5]);
    expect(new HotPartition(0, snapshot).hot.size).toBe(3);
  });

  test('hurries for no slip that has returned in time', () => {
    const partition = withSlipDueAt(deadline);
    const slot = partition.find('00000007-0000-0007-0000-000700000007');
    partition.held(slot, 2, deadline);
    partition.returned(slot, 3, deadline, -1, 0);
    expect(partition.isDueAround(deadline)).toBe(false);
  });
});
