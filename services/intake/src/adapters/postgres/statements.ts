import { bytea, columns, int4, jsonb, text, uuid } from '@slipstream/postgres';

export const slipColumns = columns({
  ...{
    slip_id: uuid,
    caller: text,
    reference: text,
    clock: text,
    digest: bytea,
    status: text,
    version: int4,
  },
});

/** The first parameters of `submit_slips`, in its order. */
export const judgedColumns = columns({
  ...{ caller: text, operation: text, key: text, digest: bytea, reference: text },
  ...{ slip_id: uuid, partition: int4, body: bytea },
});
export const submitSlipsSql = `
select place, outcome, slip_id, digest, event_partition, event_seq, event_at
from submit_slips($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;
export const waitColumns = columns({ wait: jsonb, review_body: bytea });
export const submitWaitingSlipsSql = `
select place, outcome, slip_id, digest, event_partition, event_seq, event_at
from submit_waiting_slips($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`;
/** Which of these slips ever were in review. */
export const reviewedSql = 'select slip_id from review where slip_id = any($1::uuid[])';

export const reviewRows = columns({ review: jsonb });
export const insertReviewsSql = `
insert into review select r.* from ${reviewRows.unnest('c')}, jsonb_populate_record(null::review, c.review) as r`;

/** Columns of `ReviewRow`, the slip's own apart. */
export const reviewColumns = `r.maker, r.reference, r.kind, r.account, r.counterparty, r.amount, r.currency, r.route,
  r.rules, r.approvals_needed, r.requested_at, r.due_at, r.deadline, r.outcome_deadline_ms, r.status as review_status,
  r.claimed_by, r.first_approver, r.second_approver, r.decided_by, r.reason, r.detail`;

/** A slip, with what the key $4 of the caller $2 was used for; always one row. */
export const readSlipSql = `
select clock_timestamp() as now, s.caller, s.reference as slip_reference, s.status, s.version, d.submission, d.remind_at, d.expires_at,
  ${reviewColumns}, i.digest as used_digest, i.slip_id as used_slip_id, u.reference as used_reference, i.status as used_status,
  i.version as used_version, i.event_partition as used_partition, i.event_seq as used_seq, i.event_at as used_at
from (select $1::uuid as slip_id) as asked
  left join slip s using (slip_id)
  left join draft d using (slip_id)
  left join review r using (slip_id)
  left join idempotency i on i.caller = $2 and i.operation = $3 and i.key = $4
  left join slip u on u.slip_id = i.slip_id`;

/** The first parameters of `change_slips`, in its order. */
export const changeColumns = columns({
  ...{ slip_id: uuid, version: int4, status: text, new_review: jsonb, progress: jsonb },
  ...{ caller: text, operation: text, key: text, digest: bytea },
});
export const changeEventColumns = columns({ place: int4, partition: int4, body: bytea });
export const changeSlipsSql = `
select slip_id, event_partition, event_seq, event_at
from change_slips($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`;

export const nextDueSql = `
select clock_timestamp() as now, due.slip_id, s.version, d.remind_at, d.expires_at, ${reviewColumns}
from (
  (select slip_id, due_at from draft order by due_at limit $1)
  union all
  (select slip_id, due_at from review where status = 'open' order by due_at limit $1)
) as due
join slip s using (slip_id) left join draft d using (slip_id) left join review r using (slip_id)
order by due.due_at limit $1`;

/** One more than the page, to tell whether there are more. `isBack`: those before the position, the nearest first. */
export function listReviewsSql(isBack: boolean): string {
  const [beyond, order] = isBack ? ['<', 'desc'] : ['>', 'asc'];
  return `
select clock_timestamp() as now, r.slip_id, s.version, ${reviewColumns}
from review r join slip s using (slip_id)
where ($1::text is null or r.status = $1) and ($2::text is null or r.route = $2) and ($3::text is null or r.kind = $3)
  and ($4::text is null or r.account = $4) and ($5::text is null or r.maker = $5)
  and ($6::text is null or r.claimed_by = $6)
  and ($7::timestamptz is null or (r.requested_at, r.slip_id) ${beyond} ($7, $8::uuid))
order by r.requested_at ${order}, r.slip_id ${order} limit $9`;
}
export const reviewSql = `
select clock_timestamp() as now, r.slip_id, s.version, ${reviewColumns}
from review r join slip s using (slip_id) where r.slip_id = $1`;

/** At least one row, for the clock. */
export const referencesTakenSql = `
select clock_timestamp() as now, s.reference, s.slip_id
from (select 1) as one left join slip s on s.caller = $1 and s.reference = any($2::text[])`;

export const clockSql = 'select clock_timestamp() as now';

/** The slip ids whose references were taken before; null: none. */
export const insertSlipsSql = `
with given as materialized (select * from ${slipColumns.numbered('s')}),
inserted as (
insert into slip (slip_id, caller, reference, clock, digest, status, version, created_at)
select slip_id, caller, reference, clock, digest, status, version, clock_timestamp() from given order by caller, reference, place
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
