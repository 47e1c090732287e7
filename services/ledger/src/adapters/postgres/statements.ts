/** The statements of the batch handler: each takes a whole batch. */

export const loadSql = `
select s.id, s.version, s.position, s.waits_from, s.chain, s.clock, s.listed_at, s.state,
       h.clock as hold_clock, h.kind, h.account, h.counterparty, h.amount, h.currency, h.status as hold_status
from slip s left join hold h on h.slip_id = s.id
where s.id = any($1::text[])`;

/** Bytes and chain come concatenated: see arrays.ts. */
export const appendSql = `
insert into event_log (partition, kafka_offset, source, seq, event_id, type, slip_id, clock, version, at, received_at, bytes, chain)
select $1, e.kafka_offset, e.source, e.seq, e.event_id, e.type, e.slip_id, e.clock, e.version, e.at, e.received_at,
  substring($2::bytea from e.start for e.length), substring($3::bytea from (e.n::int - 1) * 32 + 1 for 32)
from unnest($4::int[], $5::int[], $6::bigint[], $7::text[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[],
    $13::bigint[], $14::timestamptz[], $15::timestamptz[])
  with ordinality as e(start, length, kafka_offset, source, seq, event_id, type, slip_id, clock, version, at, received_at, n)`;

export const saveSlipsSql = `
insert into slip (partition, id, clock, reference, account, counterparty, provider, kind, status, outcome, cause_class, cause_code,
  amount, currency, listed_at, deadline, overdue, version, position, waits_from, state, chain)
select $1, s.id, s.clock, s.reference, s.account, s.counterparty, s.provider, s.kind, s.status, s.outcome, s.cause_class, s.cause_code,
  s.amount, s.currency, s.listed_at, s.deadline, s.overdue, s.version, s.position, s.waits_from, s.state,
  substring($2::bytea from (s.n::int - 1) * 32 + 1 for 32)
from unnest(string_to_array($3::text, chr(31)), $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $12::text[], $13::text[], $14::text[], $15::numeric[], $16::text[], $17::timestamptz[], $18::timestamptz[],
    $19::boolean[], $20::bigint[], $21::bigint[], $22::bigint[])
  with ordinality as s(state, id, clock, reference, account, counterparty, provider, kind, status, outcome, cause_class, cause_code,
    amount, currency, listed_at, deadline, overdue, version, position, waits_from, n)
on conflict (id) do update set
  reference = excluded.reference, account = excluded.account, counterparty = excluded.counterparty, provider = excluded.provider,
  kind = excluded.kind, status = excluded.status, outcome = excluded.outcome, cause_class = excluded.cause_class,
  cause_code = excluded.cause_code, amount = excluded.amount, currency = excluded.currency, listed_at = excluded.listed_at,
  deadline = excluded.deadline, overdue = excluded.overdue, version = excluded.version, position = excluded.position,
  waits_from = excluded.waits_from,
  state = excluded.state, chain = excluded.chain`;

/** A resend that is not in the log was set aside when it came first: its dead letter has the bytes. */
export const differingSql = `
select r.n from unnest($2::text[], $3::bigint[], $4::bytea[]) with ordinality as r(source, seq, digest, n)
join event_log e on e.source = r.source and e.partition = $1 and e.seq = r.seq
where sha256(e.bytes) <> r.digest`;

export const lockAccountsSql = 'select clock, name, currency, balance from lock_accounts($1, $2, $3)';

/**
 * All rows of a batch at once, so that a transaction's postings arrive together; counts what it found. The times follow
 * the order of the decisions, and begin when the accounts are locked: whoever waited for them comes later.
 */
export const bookSql = `
with booked as (
  insert into transaction (id, slip_id, type, clock, event_id, at)
    select t.id, t.slip_id, t.type, t.clock, t.event_id, statement_timestamp() + (t.n - 1) * interval '1 microsecond'
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) with ordinality as t(id, slip_id, type, clock, event_id, n)
), posted as (
  insert into posting (transaction_id, n, account, currency, direction, amount)
    select * from unnest($6::uuid[], $7::int[], $8::text[], $9::text[], $10::text[], $11::numeric[])
), moved as (
  update account a set balance = a.balance + c.change
    from unnest($12::text[], $13::text[], $14::text[], $15::numeric[]) as c(clock, name, currency, change)
    where a.clock = c.clock and a.name = c.name and a.currency = c.currency
    returning 1
), opened as (
  insert into hold (slip_id, clock, kind, account, counterparty, amount, currency, status)
    select * from unnest($16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::numeric[], $22::text[], $23::text[])
), changed as (
  update hold h set status = c.status
    from unnest($24::text[], $25::text[], $26::text[]) as c(slip_id, was, status)
    where h.slip_id = c.slip_id and h.status = c.was
    returning 1
)
select (select count(*) from moved)::int as moved, (select count(*) from changed)::int as changed`;
