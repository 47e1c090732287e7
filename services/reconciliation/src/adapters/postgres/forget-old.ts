import type { UnitOfWork } from '@slipstream/postgres';

/** How long what is over is kept for people: the slips of incidents, and those that were missed alone. */
const keptFor = "interval '90 days'";
/** Rows of one statement, so that nothing else waits for it. */
const rowsMax = 5_000;

// The time stands in a query of its own, which is asked once: compared with the clock row by row, an index is read to its end.
const missedSql = `
with old as (
  select m.slip_id from missed_slip m
   where m.changed_at < (select clock_timestamp() - ${keptFor}) and m.fate <> 'open' and not m.has_open_case
     and not exists (select 1 from incident i where i.id = m.incident and i.closed_at is null)
   order by m.changed_at limit ${rowsMax}
)
delete from missed_slip m using old where m.slip_id = old.slip_id
returning 1`;

const waitingSql = `
with old as (
  select o.incident, o.slip_id from incident i join waiting_slip o on o.incident = i.id
   where i.closed_at < (select clock_timestamp() - ${keptFor}) limit ${rowsMax}
)
delete from waiting_slip w using old where w.incident = old.incident and w.slip_id = old.slip_id
returning 1`;

/** A slip that missed its deadline is diagnosed within minutes of it. */
const stallSql = `
delete from stall where (service, until) in (
  select service, until from stall where until < clock_timestamp() - interval '1 day' limit ${rowsMax})
returning 1`;

/** Drops a page of each table's rows that nobody asks about any more; true: there may be more. */
export async function forgetOld(unitOfWork: UnitOfWork): Promise<boolean> {
  let isMore = false;
  for (const sql of [missedSql, waitingSql, stallSql])
    isMore = (await unitOfWork.query(sql)).length === rowsMax || isMore;
  return isMore;
}
