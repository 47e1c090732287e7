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

  test('hurries for no slip that has returned in time', () => {
    const partition = withSlipDueAt(deadline);
    const slot = partition.find('00000007-0000-0007-0000-000700000007');
    partition.held(slot, 2, deadline);
    partition.returned(slot, 3, deadline, -1, 0);
    expect(partition.isDueAround(deadline)).toBe(false);
  });
});
