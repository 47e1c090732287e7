import { bytea, columns, int4, text, uuid } from '@slipstream/postgres';

export const slipColumns = columns({
  ...{ slip_id: uuid, caller: text, reference: text, clock: text, digest: bytea, status: text },
});

/** The first parameters of `submit_slips`, in its order. */
export const judgedColumns = columns({
  ...{ caller: text, operation: text, key: text, digest: bytea, reference: text },
  ...{ slip_id: uuid, partition: int4, body: bytea },
});
export const submitSlipsSql = `
select place, outcome, slip_id, digest, event_partition, event_seq, event_at
from submit_slips($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;

export const clockSql = 'select clock_timestamp() as now';

/** The slip ids whose references were taken before; null: none. */
export const insertSlipsSql = `
with given as materialized (select * from ${slipColumns.numbered('s')}),
inserted as (
insert into slip (slip_id, caller, reference, clock, digest, status, created_at)
select slip_id, caller, reference, clock, digest, status, clock_timestamp() from given order by caller, reference, place
on conflict (caller, reference) do nothing
returning slip_id)
select array_agg(slip_id) as lost from (select slip_id from given except select slip_id from inserted) as lost`;

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
