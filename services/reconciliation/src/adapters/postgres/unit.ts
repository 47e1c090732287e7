import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { pageSizeMax, type SlipPage, type Unit } from '../../application/ports.ts';
import { never } from '../../domain/deadline/judgeable.ts';
import type { Decided } from '../../domain/repair/draft.ts';
import { type SlipRow, slipColumns, toSlip } from './row.ts';
import { saveDrafts } from './save-drafts.ts';
import { canBeJudged } from './to-judge.ts';

const byIdSql = `select ${slipColumns} from open_slip o where o.slip_id = any($1::text[])`;

const toJudgeSql = `
select ${slipColumns}, clock_timestamp() as now
  from open_slip o, (select $1::int as partition, $2::text as clock, $3::timestamptz as through,
    $4::timestamptz as holds_through, $5::text as consumer_group, $6::text as topic) as r
 where ${canBeJudged}
 order by o.due_at, o.slip_id limit ${pageSizeMax}`;

const toStepSql = `
select ${slipColumns}, clock_timestamp() as now
  from open_slip o
 where o.partition = $1 and o.next_step_at <= clock_timestamp() and (o.next_step = 'inquire' or o.next_step_at <= $2)
 order by o.next_step_at, o.slip_id limit ${pageSizeMax}`;

const toConcludeSql = `
select ${slipColumns}, clock_timestamp() as now
  from open_slip o
 where o.partition = $1 and o.clock = $2 and o.clock <> 'wall' and o.verdict = 'overdue' and not o.finished
   and o.slip_id > $3
 order by o.slip_id limit ${pageSizeMax}`;

const finishClockSql = `
with gone as (delete from open_slip where clock = $1 and clock <> 'wall' and partition = $2)
insert into clock_progress (clock, partition, judged_through, closed, concluded) values ($1, $2, $3, true, true)
on conflict (clock, partition) do update set
  judged_through = greatest(clock_progress.judged_through, excluded.judged_through), closed = true, concluded = true`;

type TimedRow = SlipRow & { readonly now: Instant };

/** What the application does in one transaction. `subscription` tells where the dead letters of our reading are. */
export function openUnit(
  tx: Tx,
  subscription: { readonly group: string; readonly topic: string },
  publish: (tx: Tx, decided: readonly Decided[]) => void,
): Unit {
  return {
    async byId(slipIds) {
      return (await tx.query<SlipRow>(byIdSql, [slipIds])).map(toSlip);
    },
    async toJudge({ partition, clock, through, holdsThrough }) {
      const { group, topic } = subscription;
      return page(
        await tx.query<TimedRow>(toJudgeSql, [partition, clock, through, holdsThrough, group, topic]),
      );
    },
    async toStep(partition, through) {
      return page(await tx.query<TimedRow>(toStepSql, [partition, through]));
    },
    async toConclude({ partition, clock }, after) {
      return page(await tx.query<TimedRow>(toConcludeSql, [partition, clock, after]));
    },
    async save(drafts) {
      const all = [...drafts];
      await saveDrafts(tx, all);
      publish(
        tx,
        all.flatMap(({ decided }) => decided),
      );
    },
    async finishClock({ clock, partition, through }) {
      await tx.query(finishClockSql, [clock, partition, through]);
    },
  };
}

function page(rows: readonly TimedRow[]): SlipPage {
  return { now: rows[0]?.now ?? never, slips: rows.map(toSlip) };
}
