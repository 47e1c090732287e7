import type { Tx } from '@slipstream/postgres';
import { type CaseChange, caseChangeOf } from '../../domain/repair/case-change.ts';
import type { Draft } from '../../domain/repair/draft.ts';
import { isForgettable } from '../../domain/watch/watched-slip.ts';
import { type Counts, countsOf } from './counts.ts';
import { toColumns } from './row.ts';

/** The three sets are disjoint or in different tables, so their order in the one statement means nothing. */
const saveSql = `
with gone as (
  delete from open_slip where slip_id = any($13::text[])
), counted as (
  insert into clock_progress (clock, partition, slips, in_time, overdue, not_returned)
  select c.clock, $20, c.slips, c.in_time, c.overdue, c.not_returned
    from unnest($14::text[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[])
      as c(clock, slips, in_time, overdue, not_returned)
   where $19
  on conflict (clock, partition) do update set
    slips = clock_progress.slips + excluded.slips, in_time = clock_progress.in_time + excluded.in_time,
    overdue = clock_progress.overdue + excluded.overdue,
    not_returned = clock_progress.not_returned + excluded.not_returned
)
insert into open_slip (slip_id, partition, clock, deadline, due_at, verdict, awaits_hold, next_step, next_step_at,
  finished, state, facts)
select * from unnest($1::text[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::bool[],
  $8::text[], $9::timestamptz[], $10::bool[], $11::text[], $12::text[])
on conflict (slip_id) do update set
  verdict = excluded.verdict, awaits_hold = excluded.awaits_hold, next_step = excluded.next_step,
  next_step_at = excluded.next_step_at, finished = excluded.finished, state = excluded.state, facts = excluded.facts`;

const openCasesSql = `
insert into case_file (slip_id, status, reason, summary, opened_at)
select c.slip_id, 'open', c.reason, c.summary, c.opened_at
  from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) as c(slip_id, reason, summary, opened_at)
on conflict (slip_id) do update set
  status = 'open', reason = excluded.reason, summary = excluded.summary, opened_at = excluded.opened_at,
  resolution = null, closed_at = null`;

const changeCasesSql = `
update case_file f set
  provider = c.provider, cause = c.cause::json, cause_class = c.cause::json ->> 'class',
  cause_code = c.cause::json ->> 'code', resolution = coalesce(c.resolution, f.resolution),
  closed_at = coalesce(c.closed_at, f.closed_at),
  status = case when c.closed_at is null then f.status else 'closed' end
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
    as c(slip_id, provider, cause, resolution, closed_at)
 where f.slip_id = c.slip_id`;

/** Writes one partition's drafts: a statement for slips and counts, and two more when cases changed. */
export async function saveDrafts(tx: Tx, drafts: readonly Draft[]): Promise<void> {
  if (drafts.length === 0) return;
  const kept = drafts.filter(({ slip }) => !isForgettable(slip));
  const gone = drafts.filter(({ slip, before }) => before !== null && isForgettable(slip));
  const counts = countsOf(drafts);
  if (kept.length + gone.length + counts.length > 0)
    await saveSlips(tx, drafts[0]!.slip.partition, { kept, gone, counts });
  const changes = drafts.flatMap((draft) => caseChangeOf(draft) ?? []);
  if (changes.length > 0) await saveCases(tx, changes);
}

async function saveSlips(
  tx: Tx,
  partition: number,
  { kept, gone, counts }: { kept: readonly Draft[]; gone: readonly Draft[]; counts: readonly Counts[] },
): Promise<void> {
  await tx.query(saveSql, [
    ...toColumns(sorted(kept).map(({ slip }) => slip)),
    gone.map(({ slip }) => slip.state.slipId),
    counts.map(({ clock }) => clock),
    counts.map(({ slips }) => slips),
    counts.map(({ inTime }) => inTime),
    counts.map(({ overdue }) => overdue),
    counts.map(({ notReturned }) => notReturned),
    counts.length > 0,
    partition,
  ]);
}

function sorted(drafts: readonly Draft[]): Draft[] {
  const id = (draft: Draft) => draft.slip.state.slipId;
  return drafts.toSorted((a, b) => (id(a) < id(b) ? -1 : 1));
}

async function saveCases(tx: Tx, changes: readonly CaseChange[]): Promise<void> {
  const opened = changes.flatMap(({ slipId, opened }) => (opened ? [{ slipId, ...opened }] : []));
  if (opened.length > 0) {
    await tx.query(openCasesSql, [
      opened.map(({ slipId }) => slipId),
      opened.map(({ reason }) => reason),
      opened.map(({ summary }) => summary),
      opened.map(({ at }) => at),
    ]);
  }
  await tx.query(changeCasesSql, [
    changes.map(({ slipId }) => slipId),
    changes.map(({ provider }) => provider),
    changes.map(({ cause }) => cause && JSON.stringify(cause)),
    changes.map(({ closed }) => closed?.resolution ?? null),
    changes.map(({ closed }) => closed?.at ?? null),
  ]);
}
