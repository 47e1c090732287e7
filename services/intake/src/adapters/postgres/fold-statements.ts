// What an event that is folded back from the log writes. An event about a slip makes its version one more.

export const foldSlipSql = `
insert into slip (slip_id, caller, reference, clock, digest, status, command_id, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (slip_id) do update set status = excluded.status, version = slip.version + 1`;

export const foldStatusSql = 'update slip set status = $2, version = version + 1 where slip_id = $1';

export const foldSubmitAnswerSql = `
insert into idempotency (caller, operation, key, digest, slip_id, event_partition, event_seq, event_at)
values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`;

export const foldChangeAnswerSql = `
insert into idempotency (caller, operation, key, digest, slip_id, event_partition, event_seq, event_at, status, version)
select $1, $2, $3, $4, slip_id, $6, $7, $8, status, version from slip where slip_id = $5 on conflict do nothing`;

export const foldLaterSql = `
update idempotency i set event_seq = $2, version = case when i.version is null then null else s.version end
from slip s where s.slip_id = $1 and i.slip_id = s.slip_id and i.caller = s.caller
  and i.event_seq = (select max(event_seq) from idempotency where slip_id = $1)`;

export const foldRefusedSql =
  'insert into refused_command (caller, command_id, reference, slip_id) values ($1, $2, $3, $4) on conflict do nothing';

export const foldDraftSql = `
insert into draft (slip_id, submission, remind_at, expires_at)
select $1, d.submission, d.remind_at, d.expires_at
from jsonb_to_record($2) as d(submission text, remind_at timestamptz, expires_at timestamptz)`;

export const foldRemindedSql = 'update draft set remind_at = null where slip_id = $1';

export const foldNoDraftSql = 'delete from draft where slip_id = $1';

export const foldReviewSql = `
insert into review (slip_id, maker, reference, kind, account, counterparty, amount, currency, route, requested_at, deadline,
  rules, approvals_needed, due_at, status, reason, detail)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '{}', 1, $11, 'open', '', '')`;

export const foldTermsSql = `
update review set rules = $2, approvals_needed = $3, due_at = $4, first_slip_id = $5, outcome_deadline_ms = $6 where slip_id = $1`;

export const foldClaimSql = 'update review set claimed_by = $2 where slip_id = $1';

export const foldFirstSql = 'update review set first_approver = $2 where slip_id = $1';

export const foldApprovalSql = `
update review set status = 'approved', decided_by = $2, detail = $3, first_approver = coalesce(first_approver, $2),
  second_approver = case when first_approver is null then null else $2 end where slip_id = $1`;

/** A draft has no review. */
export const foldEndSql =
  'update review set status = $2, decided_by = $3, reason = $4, detail = $5 where slip_id = $1';

export const foldRecentSql = `
insert into recent_slip (account, at, slip_id, business, adds)
select $1, $2, $3, g.gate ->> 'business', coalesce((
  select jsonb_object_agg(l.key, l.adds) from jsonb_to_recordset(g.gate -> 'limits') as l(key text, adds numeric)), '{}')
from (select $4::jsonb as gate) as g on conflict do nothing`;

export const foldAgainSql = `
update recent_slip s set at = $2 from review r where r.slip_id = $1 and s.account = r.account and s.slip_id = r.slip_id`;
