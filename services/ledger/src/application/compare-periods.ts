import type { Instant } from '@slipstream/kernel';
import { differenceOf } from '../domain/statistics/difference.ts';
import type { CountedGroup, LedgerQueries, SlipGrouping, StatisticsFilter } from './queries.ts';

/** What slips of two periods can be compared by; hours have no counterpart. */
export const comparedGroupings = ['provider', 'route', 'kind', 'currency', 'cause'] as const;
export type ComparedGrouping = (typeof comparedGroupings)[number];

/** Whole hours of submission. */
export interface Period {
  readonly from: Instant;
  readonly to: Instant;
}

/** What became of the slips of a period. */
export interface PeriodFigures {
  /** Answered, or called overdue: those that the rate is of. By cause: of whatever cause. */
  readonly judged: number;
  readonly overdue: number;
  readonly returned: number;
  readonly notReturned: number;
  /** The not-returned rate: overdue of judged; null: none was judged. */
  readonly rate: number | null;
}

export interface Compared {
  readonly before: PeriodFigures;
  readonly after: PeriodFigures;
  /** Of the rates, with its interval; null: one of them is none. */
  readonly difference: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Whether chance alone would make such a difference. */
  readonly verdict: 'better' | 'worse' | 'undecided';
}

export interface Comparison {
  readonly all: Compared;
  /** What became worse first. */
  readonly groups: readonly (Compared & { readonly key: string | null })[];
}

/** Whether fewer slips missed their deadlines in one period than in another. @throws SlipstreamError unavailable */
export async function comparePeriods(
  queries: Pick<LedgerQueries, 'statistics'>,
  filter: Omit<StatisticsFilter, 'from' | 'to'>,
  periods: { readonly before: Period; readonly after: Period },
  grouping: ComparedGrouping,
): Promise<Comparison> {
  const read = ({ from, to }: Period, by: SlipGrouping) => queries.statistics({ ...filter, from, to }, by);
  const [before, after, allBefore, allAfter] = await Promise.all([
    read(periods.before, grouping),
    read(periods.after, grouping),
    // A slip has one kind, and there are few: nothing is left out.
    read(periods.before, 'kind'),
    read(periods.after, 'kind'),
  ]);
  const sums = [sumOf(allBefore), sumOf(allAfter)] as const;
  // Who was answered in time has no cause: its share is of all.
  const judgedOf = (sum: Sum, all: Sum) => (grouping === 'cause' ? all : sum).judged;
  const keys = new Set([...before, ...after].map(({ key }) => key));
  const groups = Array.from(keys, (key) => {
    const [one, two] = [before, after].map((groups) => sumOf(groups.filter((group) => group.key === key)));
    return { key, ...compare(one!, judgedOf(one!, sums[0]), two!, judgedOf(two!, sums[1])) };
  });
  return {
    all: compare(sums[0], sums[0].judged, sums[1], sums[1].judged),
    groups: groups.toSorted(
      (a, b) => (b.difference ?? -2) - (a.difference ?? -2) || ((a.key ?? '') < (b.key ?? '') ? -1 : 1),
    ),
  };
}

type Sum = Omit<PeriodFigures, 'rate'>;

function sumOf(groups: readonly CountedGroup[]): Sum {
  const sum = (of: (group: CountedGroup) => number) => groups.reduce((total, group) => total + of(group), 0);
  const [returned, notReturned] = [sum((one) => one.returned), sum((one) => one.notReturned)];
  return { judged: returned + notReturned, overdue: sum((one) => one.overdue), returned, notReturned };
}

function compare(before: Sum, judgedBefore: number, after: Sum, judgedAfter: number): Compared {
  const found = differenceOf(
    { count: before.overdue, of: judgedBefore },
    { count: after.overdue, of: judgedAfter },
  );
  return {
    before: { ...before, judged: judgedBefore, rate: rateOf(before.overdue, judgedBefore) },
    after: { ...after, judged: judgedAfter, rate: rateOf(after.overdue, judgedAfter) },
    difference: found?.value ?? null,
    low: found?.low ?? null,
    high: found?.high ?? null,
    verdict: verdictOf(found),
  };
}

function rateOf(overdue: number, judged: number): number | null {
  return judged === 0 ? null : overdue / judged;
}

function verdictOf(found: { readonly low: number; readonly high: number } | null): Compared['verdict'] {
  if (found === null || (found.low <= 0 && found.high >= 0)) return 'undecided';
  return found.high < 0 ? 'better' : 'worse';
}
