const at = "timestamptz '2026-01-01' + n * interval '1 s'";
/** Of each hundred rows one, told by its number among them. */
const eachHundredth = 'generate_series($1::int, $2::int) n where n % 100 = 0';

/** What busy months leave: of a hundred things that people had to look at, one is open; twenty slips an incident, a hundred lines a statement. */
export const fullCases = {
  tables: [
    ...[
      'case_file',
      'missed_slip',
      'waiting_slip',
      'incident',
      'statement',
      'statement_break',
      'statement_balance',
      'case_action',
    ],
    ...['case_bulk', 'dead_letter'],
  ],
  statements: [
    `insert into case_file (slip_id, partition, status, reason, summary, opened_at, provider, cause_class, cause_code, closed_at, reason_codes,
       assignee, cause, reasons)
     select 'slip-' || n, n % 12, case when n % 100 = 0 then 'open' else 'closed' end, 'inquiry_exhausted', '', ${at},
       'provider-' || n % 5, 'third_party', 'callback_lost', case when n % 100 = 0 then null else now() end, '{inquiry_exhausted}', 'ann', null, '[]'
     from generate_series($1::int, $2::int) n`,
    `insert into missed_slip (slip_id, partition, side, route, kind, at, deadline, fate, has_open_case, incident)
     select 'slip-' || n, 0, 'acme', 'default', 'order', ${at}, now(), 'returned', false, 'incident-' || n / 20
     from generate_series($1::int, $2::int) n`,
    `insert into incident (id, side, since, until, opened_at, closed_at)
     select 'incident-' || n / 20, case when n % 40 = 0 then '' else 'acme' end, now(), now(), ${at}, now()
     from generate_series($1::int, $2::int) n where n % 20 = 0`,
    `insert into statement (id, source, provider, format, digest, bytes, accounts, lines, status, read_to, accepted_at, accepted_by)
     select md5((n / 100)::text)::uuid, 'day', 'acme', 'camt053', n::text, 1, '[]', 1, 'matched', '{}', ${at}, 'ann' from ${eachHundredth}`,
    `insert into statement_break (id, kind, statement_id, provider, slip_id, currency, difference, expected, seen, status, opened_at)
     select md5('b' || n)::uuid, 'amount', md5((n / 100)::text)::uuid, 'acme', 'slip-' || n, 'EUR', 1, '', '',
       case when n % 100 = 0 then 'open' when n % 100 = 1 then 'snoozed' else 'resolved' end, ${at}
     from generate_series($1::int, $2::int) n where n >= 100`,
    `insert into statement_balance (statement_id, account_n, provider, source, account, name, line, currency, closes_on, opening, closing, first_on, last_on)
     select md5((n / 100)::text)::uuid, n % 100, 'acme', '', 'DE1', n::text, 1, 'EUR', date '2016-01-01' + n, n, n + 1,
       date '2016-01-01' + n, date '2016-01-01' + n from generate_series($1::int, $2::int) n where n >= 100`,
    `insert into case_bulk (bulk_id, action, details, asked_by, reason, request_key, digest, size)
     select md5('k' || n / 100)::uuid, 'note', '{}', 'ann', '', n::text, '', 1 from ${eachHundredth}`,
    `insert into case_action (action_id, bulk_id, slip_id, partition, action, details, asked_by, reason, asked_at, status, finished_at)
     select md5('a' || n)::uuid, md5('k' || n / 100)::uuid, 'slip-' || n, 0, 'note', '{}', 'ann', '', ${at}, 'done', now()
     from generate_series($1::int, $2::int) n where n >= 100`,
    `insert into dead_letter (consumer_group, topic, partition, kafka_offset, key, value, headers, reason, error_class, detail, attempts, park_key)
     select 'reconciliation', 'slips.events.v1', n % 12, n, convert_to('slip-' || n, 'UTF8'), '', '{}', 'failed', '', '', 1, 'slip-' || n
     from generate_series($1::int, $2::int) n`,
  ],
} as const;
