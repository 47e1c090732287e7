import type { Instant } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import type { Lookout } from '../../application/ports.ts';
import type { Judgeable } from '../../domain/deadline/judgeable.ts';
import { awaitsHold, canBeJudged, isStageToTell, isStepDue } from './to-judge.ts';

const rangesSql = (condition: string) => `
select r.n::int
  from unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[]) with ordinality
    as given(partition, clock, through, holds_through, n)
  cross join lateral (select given.*, $5::text as consumer_group, $6::text as topic) as r
 where exists (select 1 from open_slip o where ${condition})`;
const toJudgeSql = rangesSql(canBeJudged);
const awaitingHoldSql = rangesSql(awaitsHold);

const partitionsSql = (condition: string) => `
select r.partition
  from unnest($1::int[], $2::timestamptz[]) as given(partition, through)
  cross join lateral (select given.*, $3::text as consumer_group, $4::text as topic) as r
 where exists (select 1 from open_slip o where ${condition})`;
const stepsDueSql = partitionsSql(isStepDue);
const stagesToTellSql = partitionsSql(isStageToTell);

const concludedSql = `
select r.n::int
  from unnest($1::int[], $2::text[]) with ordinality as r(partition, clock, n)
  join clock_progress p on p.clock = r.clock and p.partition = r.partition and p.concluded`;

const keepProgressSql = `
insert into clock_progress (partition, clock, judged_through, closed)
select * from unnest($1::int[], $2::text[], $3::timestamptz[], $4::bool[])
on conflict (clock, partition) do update set
  judged_through = greatest(clock_progress.judged_through, excluded.judged_through),
  closed = clock_progress.closed or excluded.closed`;

/** Looks outside of any fence, one statement each. */
export function createLookout(
  unitOfWork: UnitOfWork,
  { group, topic }: { readonly group: string; readonly topic: string },
): Lookout {
  const chosen = (ranges: readonly Judgeable[], rows: readonly { n: number }[]) =>
    rows.map(({ n }) => ranges[n - 1]!);
  const among = async (sql: string, ranges: readonly Judgeable[]) =>
    chosen(
      ranges,
      await unitOfWork.query<{ n: number }>(sql, [
        ranges.map(({ partition }) => partition),
        ranges.map(({ clock }) => clock),
        ranges.map(({ through }) => through),
        ranges.map(({ holdsThrough }) => holdsThrough),
        group,
        topic,
      ]),
    );
  const partitionsWith = async (sql: string, through: ReadonlyMap<number, Instant>) => {
    const parameters = [[...through.keys()], [...through.values()], group, topic];
    const rows = await unitOfWork.query<{ partition: number }>(sql, parameters);
    return rows.map(({ partition }) => partition);
  };
  return {
    withSlipsToJudge: (ranges) => among(toJudgeSql, ranges),
    withSlipsAwaitingHold: (ranges) => among(awaitingHoldSql, ranges),
    withStepsDue: (through) => partitionsWith(stepsDueSql, through),
    withStagesToTell: (through) => partitionsWith(stagesToTellSql, through),
    async concluded(ranges) {
      const rows = await unitOfWork.query<{ n: number }>(concludedSql, [
        ranges.map(({ partition }) => partition),
        ranges.map(({ clock }) => clock),
      ]);
      return chosen(ranges, rows);
    },
    async keepProgress(ranges) {
      // In key order, so that two instances whose ranges overlap for a moment cannot deadlock.
      const ordered = ranges.toSorted((a, b) => compare(a.clock, b.clock) || a.partition - b.partition);
      await unitOfWork.query(keepProgressSql, [
        ordered.map(({ partition }) => partition),
        ordered.map(({ clock }) => clock),
        ordered.map(({ through }) => through),
        ordered.map(({ closed }) => closed),
      ]);
    },
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
