import { bytea, columns, text, uuid } from '@slipstream/postgres';

export const keyColumns = columns({ caller: text, operation: text, key: text });
export const claimColumns = columns({
  caller: text,
  operation: text,
  key: text,
  digest: bytea,
  slip_id: uuid,
});
export const slipColumns = columns({
  ...{ slip_id: uuid, caller: text, reference: text, clock: text, digest: bytea, status: text },
});

/**
 * The clock, and what the keys were used for that were used: rows with a `place`, from 1. With $4 the transaction waits
 * no longer than that for any lock from here on; usual_wait is what it would have waited. Each key is looked up in the
 * index, whatever the planner thinks: the plan is kept while the table grows.
 */
export const lookUpSql = `
with wait as materialized (
  select current_setting('lock_timeout') as usual,
    set_config('lock_timeout', coalesce($4, current_setting('lock_timeout')), true) as wait),
used as (
  select k.place, i.digest, i.slip_id, i.event_partition, i.event_seq, i.event_at
  from ${keyColumns.numbered('k')}, lateral (
    select * from idempotency where caller = k.caller and operation = k.operation and key = k.key offset 0) as i)
select clock_timestamp() as now, w.usual as usual_wait, w.wait, used.*
from wait w left join used on true`;

/** The slip ids whose keys were taken before; null: none. */
export const claimKeysSql = `
with given as materialized (select * from ${claimColumns.unnest('k')}),
claimed as (
insert into idempotency (caller, operation, key, digest, slip_id)
select caller, operation, key, digest, slip_id from given order by caller, operation, key
on conflict (caller, operation, key) do nothing
returning slip_id)
select array_agg(slip_id) as lost from (select slip_id from given except select slip_id from claimed) as lost`;

export const releaseKeysSql = 'delete from idempotency where slip_id = any($1::uuid[])';

/**
 * The slips whose references were taken before; null: none. When the last row is in, lock waits are as long as $7 again:
 * an aggregate is read to its end before it is shown.
 */
export const insertSlipsSql = `
with given as materialized (select * from ${slipColumns.numbered('s')}),
inserted as (
insert into slip (slip_id, caller, reference, clock, digest, status, created_at)
select slip_id, caller, reference, clock, digest, status, clock_timestamp() from given order by caller, reference, place
on conflict (caller, reference) do nothing
returning slip_id)
select lost, case when $7::text is not null then set_config('lock_timeout', $7, true) end as wait
from (
  select array_agg(slip_id) as lost from (select slip_id from given except select slip_id from inserted) as lost
) as all_of_them`;

/** In order, with null where no slip has the reference. */
export const slipsOfSql = `
select s.slip_id
from unnest($1::text[], $2::text[]) with ordinality as r(caller, reference, ord)
left join slip s on s.caller = r.caller and s.reference = r.reference
order by r.ord`;

export const refuseOnOtherClockSql = `
insert into clock_conflict (caller, reference, clock)
select r.caller, r.reference, r.clock
from unnest($1::text[], $2::text[], $3::text[]) as r(caller, reference, clock)
join slip s on s.caller = r.caller and s.reference = r.reference
where s.clock <> r.clock
order by r.caller, r.reference, r.clock
on conflict do nothing
returning caller, reference, clock`;

/** UUIDv7 sorts by time, so the newest slip is the last of the primary key. */
export const openSql = `
select coalesce(
    (select created_at from slip order by slip_id desc limit 1) > clock_timestamp() - interval '60 seconds', false)
  or exists (select 1 from clock_mark m where topic = $1 and not closed
    and not exists (select from ended_clock e where e.topic = $1 and e.clock = m.clock)) as open`;
