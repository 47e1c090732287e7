/**
 * The clock, and for each key, in order, what it was used for. With $4 the transaction waits no longer than that for any
 * lock from here on; usual_wait is what it would have waited.
 */
export const lookUpSql = `
with wait as materialized (
  select current_setting('lock_timeout') as usual,
    set_config('lock_timeout', coalesce($4, current_setting('lock_timeout')), true) as wait)
select clock_timestamp() as now, w.usual as usual_wait, w.wait, i.digest, i.slip_id, i.event_partition, i.event_seq, i.event_at
from wait w cross join unnest($1::text[], $2::text[], $3::text[]) with ordinality as k(caller, operation, key, ord)
left join idempotency i on i.caller = k.caller and i.operation = k.operation and i.key = k.key
order by k.ord`;

export const claimKeysSql = `
insert into idempotency (caller, operation, key, digest, slip_id)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::uuid[]) as k(caller, operation, key, digest, slip_id)
order by k.caller, k.operation, k.key
on conflict (caller, operation, key) do nothing
returning slip_id`;

export const releaseKeysSql = 'delete from idempotency where slip_id = any($1::uuid[])';

/** When the last row is in, lock waits are as long as $7 again: an aggregate is read to its end before it is shown. */
export const insertSlipsSql = `
with inserted as (
insert into slip (slip_id, caller, reference, clock, digest, status, created_at)
select s.slip_id, s.caller, s.reference, s.clock, s.digest, s.status, clock_timestamp()
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[]) with ordinality
  as s(slip_id, caller, reference, clock, digest, status, ord)
order by s.caller, s.reference, s.ord
on conflict (caller, reference) do nothing
returning slip_id)
select slip_ids, case when $7::text is not null then set_config('lock_timeout', $7, true) end as wait
from (select array_agg(slip_id) as slip_ids from inserted) as all_of_them`;

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
