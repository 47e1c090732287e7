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
    command_id: text,
  },
  ...{ account: text, counterparty: text, gate: jsonb },
});

export const refusalColumns = columns({ caller: text, command_id: text, reference: text, slip_id: uuid });

/** The first parameters of `submit_slips`, in its order. */
export const judgedColumns = columns({
  ...{ caller: text, operation: text, key: text, digest: bytea, reference: text },
  ...{ slip_id: uuid, partition: int4, body: bytea },
});
/** What the gates need of each slip; `submit_slips`, `submit_waiting_slips` and `change_slips` take it before their last parameter. */
export const gateColumns = columns({ account: text, counterparty: text, gate: jsonb });
export const submitSlipsSql = `
select place, outcome, slip_id, digest, event_partition, event_seq, event_at
from submit_slips($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`;
export const waitColumns = columns({ wait: jsonb, review_body: bytea });
export const submitWaitingSlipsSql = `
select place, outcome, slip_id, digest, event_partition, event_seq, event_at
from submit_waiting_slips($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`;
/** Which of these slips ever were in review. */
export const reviewedSql = 'select slip_id, first_slip_id from review where slip_id = any($1::uuid[])';

export const askGatesSql = 'select place, rule, first_slip_id from ask_gates($1, $2, $3, $4)';

export const reviewRows = columns({ review: jsonb });
export const insertReviewsSql = `
insert into review select r.* from ${reviewRows.unnest('c')}, jsonb_populate_record(null::review, c.review) as r`;

/** Columns of `ReviewRow`, the slip's own apart. */
export const reviewColumns = `r.maker, r.reference, r.kind, r.account, r.counterparty, r.amount, r.currency, r.route,
  r.rules, r.approvals_needed, r.requested_at, r.due_at, r.deadline, r.outcome_deadline_ms, r.first_slip_id, r.status as review_status,
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
select slip_id, event_partition, event_seq, event_at, rule, first_slip_id
from change_slips($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`;

export const nextDueSql = `
select clock_timestamp() as now, due.slip_id, s.version, d.remind_at, d.expires_at, ${reviewColumns}
from (
  (select slip_id, due_at from draft order by due_at limit $1)
  union all
  (select slip_id, due_at from review where status = 'open' order by due_at limit $1)
) as due
join slip s using (slip_id) left join draft d using (slip_id) left join review r using (slip_id)
order by due.due_at limit $1`;

export const reviewSql = `
select clock_timestamp() as now, r.slip_id, s.version, ${reviewColumns}
from review r join slip s using (slip_id) where r.slip_id = $1`;

/** At least one row, for the clock. */
export const referencesTakenSql = `
select clock_timestamp() as now, s.reference, s.slip_id
from (select 1) as one left join slip s on s.caller = $1 and s.reference = any($2::text[])`;

export const clockSql = 'select clock_timestamp() as now';

/**
 * The slips that were not added, with who has their references (nulls: somebody of the same statement, or who committed since
 * it began); and those that the gates stop, with the rule and the slip that is in the way: these must be taken out again. All of their
 * accounts are locked at once, behind the references: what is added in a second look locks no other. Each row is looked up by its key, whatever the planner thinks.
 */
export const insertSlipsSql = `
with given as materialized (select * from ${slipColumns.numbered('s', 2)}),
inserted as (
insert into slip (slip_id, caller, reference, clock, digest, status, version, command_id, created_at)
select slip_id, caller, reference, clock, digest, status, version, command_id, clock_timestamp() from given g
where not exists (select from refused_command r
  where r.caller = g.caller and r.command_id = g.command_id and r.reference = g.reference offset 0)
order by caller, reference, place
on conflict (caller, reference) do nothing
returning slip_id),
added as (
select array_agg(slip_id order by place) as ids, array_agg(account order by place) as accounts,
  array_agg(counterparty order by place) as counterparties, array_agg(gate order by place) as gates
from inserted join given using (slip_id)),
locked as materialized (
select a.*, lock_accounts((select array_agg(account) from given), (select array_agg(gate) from given)) from added a)
select g.slip_id as lost, null as rule, s.slip_id, s.clock, s.command_id, r.slip_id is not null as was_refused
from (select slip_id from given except select slip_id from inserted) as l
join given g using (slip_id)
left join lateral (select * from slip where caller = g.caller and reference = g.reference offset 0) as s on true
left join lateral (select * from refused_command
  where caller = g.caller and command_id = g.command_id and reference = g.reference offset 0) as r on true
union all
select g.slip_id, g.rule, g.first_slip_id, null, null, false
from locked a, pass_gates(a.ids, a.accounts, a.counterparties, a.gates, $1) as g`;

export const deleteSlipsSql = 'delete from slip where slip_id = any($1)';

export const slipsOfReferencesSql = `
select s.slip_id, s.caller, s.reference, s.clock, s.command_id
from unnest($1::text[], $2::text[]) as g(caller, reference),
lateral (select * from slip where caller = g.caller and reference = g.reference offset 0) as s`;

/** Not those that made their slip, or were refused before. */
export const keepRefusalsSql = `
insert into refused_command (caller, command_id, reference, slip_id)
select caller, command_id, reference, slip_id from ${refusalColumns.numbered('g')}
where not exists (select from slip s
  where s.caller = g.caller and s.reference = g.reference and s.command_id = g.command_id offset 0)
order by caller, command_id, reference, place
on conflict do nothing
returning slip_id`;

/** UUIDv7 sorts by time, so the newest slip is the last of the primary key. */
export const openSql = `
select coalesce(
    (select created_at from slip order by slip_id desc limit 1) > clock_timestamp() - interval '60 seconds', false)
  or exists (select 1 from clock_mark m where topic = $1 and not closed
    and not exists (select from ended_clock e where e.topic = $1 and e.clock = m.clock)) as open`;

export const lockAccountSql = 'select pg_advisory_xact_lock(hashtextextended($1, 0))';

export const standingSql =
  'select account, status, reason, actor, changed_at from account_status where account = $1';

/** Without a time it is now. */
export const setStatusSql = `
insert into account_status (account, status, previous, reason, actor, changed_at)
values ($1, $2, $3, $4, $5, coalesce($6::timestamptz, clock_timestamp()))
on conflict (account) do update set status = excluded.status, previous = excluded.previous, reason = excluded.reason,
  actor = excluded.actor, changed_at = excluded.changed_at`;

/** Rows that leave at once, so that nothing waits for it long. */
export const forgetRecentMax = 5_000;

// The time stands in a query of its own, which is asked once: compared with the clock row by row, the table is read whole.
export const forgetRecentSql = `
with old as (
  select ctid from recent_slip where at <= (select clock_timestamp() - $1::bigint * interval '1 millisecond')
  order by at limit ${forgetRecentMax} for update skip locked
), gone as (delete from recent_slip where ctid = any(array(select ctid from old)) returning 1)
select count(*)::int as n from gone`;
