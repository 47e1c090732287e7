import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { type PendingEvent, wallClock } from '@slipstream/slip';
import { pageSizeMax, type SlipPage, type Unit } from '../../application/ports.ts';
import { type Judgeable, never } from '../../domain/deadline/judgeable.ts';
import { addSpent, lockSpent } from './repair-spent.ts';
import { noteReturns } from './returns-store.ts';
import { type SlipRow, slipColumns, toSlip } from './row.ts';
import { saveChanges } from './save-changes.ts';
import { canBeJudged, isDetermined, isDue, isStageToTell, isStepDue } from './to-judge.ts';

const byIdSql = `
select ${slipColumns} from open_slip o where o.slip_id = any($1::text[])
union all
select o.partition, o.verdict, null, null, o.state, o.observations from archived_slip o where o.slip_id = any($1::text[])`;

/** A range, and where the dead letters of our reading are, as parameters. */
const givenRange = `(select $1::int as partition, $2::text as clock, $3::timestamptz as through,
  $4::timestamptz as holds_through, $5::text as consumer_group, $6::text as topic) as r`;

/** Ranges of one partition. */
const givenRanges = `(select $1::int as partition, c.*, $5::text as consumer_group, $6::text as topic
  from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as c(clock, through, holds_through)) as r`;

const toJudgeSql = `
select ${slipColumns}, clock_timestamp() as now
  from open_slip o, ${givenRange}
 where ${canBeJudged}
 order by o.due_at, o.slip_id limit ${pageSizeMax}`;

const toStepSql = `
select ${slipColumns}, clock_timestamp() as now
  from open_slip o,
    (select $1::int as partition, $2::timestamptz as through, $3::text as consumer_group, $4::text as topic) as r
 where ${isStepDue}
 order by o.next_step_at, o.slip_id limit ${pageSizeMax}`;

const toTellLateSql = `
select ${slipColumns}, clock_timestamp() as now
  from open_slip o,
    (select $1::int as partition, $2::timestamptz as through, $3::text as consumer_group, $4::text as topic) as r
 where ${isStageToTell} and (o.late_at, o.slip_id) > ($5::timestamptz, $6::text)
 order by o.late_at, o.slip_id limit $7`;

const toConcludeSql = `
select ${slipColumns}, clock_timestamp() as now
  from open_slip o, ${givenRanges}
 where o.partition = r.partition and o.clock = r.clock and o.clock <> '${wallClock}' and o.verdict = 'overdue'
   and o.slip_id > $7 and ${isDetermined}
 order by o.slip_id limit ${pageSizeMax}`;

const finishClocksSql = `
with finished as (
  insert into clock_progress (clock, partition, judged_through, closed, concluded)
  select r.clock, r.partition, r.through, true, true from ${givenRanges} where r.clock <> '${wallClock}'
    and not exists (select 1 from open_slip o where ${isDue})
  on conflict (clock, partition) do update set
    judged_through = greatest(clock_progress.judged_through, excluded.judged_through), closed = true, concluded = true
  returning clock, partition
), gone as (
  delete from open_slip o using finished f, ${givenRanges}
   where o.clock = f.clock and r.clock = f.clock and o.partition = f.partition and ${isDetermined}
)
select clock from finished`;

type TimedRow = SlipRow & { readonly now: Instant };

/** What the application does in one transaction. `subscription` tells where the dead letters of our reading are. */
export function openUnit(
  tx: Tx,
  subscription: { readonly group: string; readonly topic: string },
  publish: (tx: Tx, events: readonly PendingEvent[]) => void,
): Unit {
  const { group, topic } = subscription;
  const given = ({ partition, clock, through, holdsThrough }: Judgeable) => [
    ...[partition, clock, through, holdsThrough, group, topic],
  ];
  const givenAll = (partition: number, ranges: readonly Judgeable[]) => [
    partition,
    ranges.map(({ clock }) => clock),
    ranges.map(({ through }) => through),
    ranges.map(({ holdsThrough }) => holdsThrough),
    ...[group, topic],
  ];
  return {
    async byId(slipIds) {
      return (await tx.query<SlipRow>(byIdSql, [slipIds])).map(toSlip);
    },
    async toJudge(range) {
      return page(await tx.query<TimedRow>(toJudgeSql, given(range)));
    },
    async toStep(partition, through) {
      return page(await tx.query<TimedRow>(toStepSql, [partition, through, group, topic]));
    },
    async toTellLate(partition, through, after, limit) {
      const from = after ? [after.at, after.slipId] : ['-infinity', ''];
      return page(
        await tx.query<TimedRow>(toTellLateSql, [partition, through, group, topic, ...from, limit]),
      );
    },
    async toConclude(partition, ranges, after) {
      return page(await tx.query<TimedRow>(toConcludeSql, [...givenAll(partition, ranges), after]));
    },
    spent: () => lockSpent(tx),
    spend: (refunds, ownTrouble) => addSpent(tx, refunds, ownTrouble),
    noteReturns(tally) {
      noteReturns(tx, [tally.steps()]);
    },
    async save(changes) {
      const all = [...changes];
      await saveChanges(tx, all);
      publish(
        tx,
        all.flatMap(({ events }) => events),
      );
    },
    async finishClocks(partition, ranges) {
      const rows = await tx.query<{ clock: string }>(finishClocksSql, givenAll(partition, ranges));
      const ended = new Set(rows.map(({ clock }) => clock));
      return ranges.filter(({ clock }) => ended.has(clock));
    },
  };
}

function page(rows: readonly TimedRow[]): SlipPage {
  return { now: rows[0]?.now ?? never, slips: rows.map(toSlip) };
}
