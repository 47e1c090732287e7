/** Tables that grow with the number of slips. */
const tables = ['slip', 'review', 'draft', 'idempotency'] as const;

/** Of what people looked at one in a hundred is open, one declined; each tenth slip is a draft. */
export const fullReviews = {
  tables,
  statements: [
    `insert into slip (slip_id, caller, reference, clock, digest, status, created_at)
     select md5(n::text)::uuid, 'shop', 'ord-' || n, 'wall', '', 'submitted', now() from generate_series($1::int, $2::int) n`,
    `insert into review (slip_id, maker, reference, kind, account, counterparty, route, rules, approvals_needed, requested_at, due_at, deadline,
       status, decided_by, first_approver, reason, detail)
     select md5(n::text)::uuid, 'shop', 'ord-' || n, 'payout', 'cust-' || n, 'shop-7', 'payouts', '{}', 1,
       timestamptz '2026-01-01' + n * interval '1 s', now(), now(), s.status, case when s.status <> 'open' then 'ann' end,
       case when s.status = 'approved' then 'ann' end, '', ''
     from generate_series($1::int, $2::int) n, lateral
       (select case n % 100 when 0 then 'open' when 1 then 'declined' else 'approved' end as status) as s`,
    `insert into draft (slip_id, submission, remind_at, expires_at)
     select md5(n::text)::uuid, '', null, timestamptz '2026-01-01' + n * interval '1 s' from generate_series($1::int, $2::int) n where n % 10 = 5`,
  ],
} as const;
