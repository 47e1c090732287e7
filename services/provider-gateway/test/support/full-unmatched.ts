const at = "timestamptz '2026-01-01' + n * interval '1 s'";

/** Of reports and lines a row each, of callbacks four; a third of them came at the same time as one of another kind. */
export const fullUnmatched = {
  tables: ['dispatch', 'callback', 'parked_result', 'statement_line'],
  statements: [
    `insert into dispatch (slip_id, partition, clock, caller, reference, kind, account, counterparty, amount, currency, route, mode, provider,
       deadline, policy, traceparent, status, attempt, not_after, next_at, sent_maybe, acknowledged, closed_for_dispatch, refunded, seen_results)
     select 's-' || n, 3, 'wall', 'shop', 'ord-' || n, 'order', 'cust-42', 'shop-7', 1250, 'EUR', 'default', 'dispatched', 'acme',
       now() + interval '1 hour', '{}', '', 'returned', 1, now(), null, false, false, false, false, '{}' from generate_series($1::int, $2::int) n`,
    `insert into callback (provider, webhook_id, slip_id, received_at, body, handled)
     select case when n % 100 = 0 then 'rare' else 'acme' end, 'wh-' || n, case when n % 2 = 0 then 's-' || n else 'none-' || n end, ${at}, 'said',
       case when n % 4 = 0 then 'orphan' else 'done' end from generate_series(4 * $1::int - 3, 4 * $2::int) n`,
    `insert into parked_result (caller, result_id, reference, clock, received_at, position, data, orphan_at)
     select 'shop', 'r-' || n, 'rep-' || n, 'wall', ${at}, 0, '{}', case when n % 100 > 0 then now() end from generate_series($1::int, $2::int) n`,
    `insert into statement_line (provider, day, line, slip_id, received_at, said, problem)
     select 'acme', date '2026-01-01' + n / 1000, n, 's-' || n, ${at}, 'said', case when n = 17 then 'no amount' end
     from generate_series($1::int, $2::int) n`,
  ],
} as const;
