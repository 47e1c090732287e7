import { expect, test } from '@jest/globals';
import { type ComparedGrouping, comparePeriods } from './compare-periods.ts';
import type { CountedGroup, SlipGrouping, StatisticsFilter } from './queries.ts';

const before = { from: '2026-11-22T10:00:00.000000Z', to: '2026-11-22T11:00:00.000000Z' } as const;
const after = { from: '2026-11-22T12:00:00.000000Z', to: '2026-11-22T13:00:00.000000Z' } as const;
const group = (key: string | null, returned: number, overdue: number, notReturned: number): CountedGroup => ({
  ...{
    key,
    slips: returned + notReturned + 7,
    dispatched: returned + notReturned,
    returned,
    overdue,
    notReturned,
  },
  ...{ refunded: 0, amounts: [], dispatchedAfterMs: null, returnedAfterMs: null },
});
const counted: Record<string, Partial<Record<SlipGrouping, CountedGroup[]>>> = {
  [before.from]: {
    provider: [group('acme', 990, 20, 10), group('bolt', 100, 0, 0), group('gone', 10, 1, 1)],
    kind: [group('order', 1_000, 21, 11), group('payout', 100, 0, 0)],
    cause: [group(null, 1_090, 0, 0), group('callback_lost', 10, 21, 11)],
  },
  [after.from]: {
    provider: [group('acme', 995, 5, 5), group('bolt', 70, 40, 30)],
    kind: [group('order', 1_065, 45, 35)],
    cause: [group(null, 1_055, 0, 0), group('callback_lost', 5, 35, 35), group('timeout', 5, 10, 0)],
  },
};
const queries = {
  statistics: async ({ from }: StatisticsFilter, by: SlipGrouping) => counted[from!]![by]!,
};
const compared = (by: ComparedGrouping) =>
  comparePeriods(queries, { clock: 'wall', terms: [] }, { before, after }, by);

test('the rate is of what was answered or called overdue, and of each group what chance does not make is told, the worst first', async () => {
  const { groups } = await compared('provider');
  expect(groups.map(({ key, verdict }) => [key, verdict])).toEqual([
    ['bolt', 'worse'],
    ['acme', 'better'],
    ['gone', 'undecided'],
  ]);
  const acme = groups[1]!;
  expect(acme.before).toEqual({ judged: 1_000, overdue: 20, returned: 990, notReturned: 10, rate: 0.02 });
  expect(acme.after).toMatchObject({ judged: 1_000, overdue: 5, rate: 0.005 });
  expect(acme.difference).toBeCloseTo(-0.015, 12);
  expect(acme.high).toBeLessThan(0);
  expect(groups[2]).toMatchObject({
    after: { judged: 0, rate: null },
    difference: null,
    low: null,
    high: null,
  });
});

test('of all together nothing is left out', async () => {
  const { all } = await compared('provider');
  expect([all.before.judged, all.after.judged]).toEqual([1_111, 1_100]);
  expect(all.verdict).toBe('worse');
});

test('by cause the rate is of all that was judged: who was answered in time has none', async () => {
  const { groups } = await compared('cause');
  const lost = groups.find(({ key }) => key === 'callback_lost')!;
  expect(lost.before).toEqual({
    judged: 1_111,
    overdue: 21,
    returned: 10,
    notReturned: 11,
    rate: 21 / 1_111,
  });
  expect(lost.after.rate).toBe(35 / 1_100);
  const timeout = groups.find(({ key }) => key === 'timeout')!;
  expect(timeout.before).toMatchObject({ judged: 1_111, overdue: 0, rate: 0 });
  expect(timeout.verdict).toBe('worse');
});
