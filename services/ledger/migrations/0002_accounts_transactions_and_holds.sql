-- Rule 7. A balance is the sum of credits less the sum of debits; accounts open on first use.
create table account (
  clock text collate "C" not null,
  name text collate "C" not null,
  currency text collate "C" not null,
  balance numeric(38, 0) not null default 0,
  primary key (clock, name, currency)
) with (fillfactor = 50);

-- `id` is UUIDv5 of the event that caused it, `event_id` the ledger's own event that carries it.
create table transaction (
  id uuid primary key,
  slip_id text collate "C" not null,
  type text collate "C" not null check (type in ('hold', 'settle', 'refund', 'compensate')),
  clock text collate "C" not null,
  event_id text collate "C" not null unique,
  at timestamptz not null default now(),
  unique (slip_id, type)
);
-- A slip ends settled or refunded, never both.
create unique index transaction_settled_xor_refunded on transaction (slip_id) where type in ('settle', 'refund');

create table posting (
  transaction_id uuid not null,
  n int not null,
  account text collate "C" not null,
  currency text collate "C" not null,
  direction text collate "C" not null check (direction in ('debit', 'credit')),
  amount numeric(38, 0) not null check (amount > 0),
  primary key (transaction_id, n)
);
create index posting_by_account on posting (account, transaction_id);

create trigger transaction_append_only before update or delete or truncate on transaction
  for each statement execute function refuse_change();
create trigger posting_append_only before update or delete or truncate on posting
  for each statement execute function refuse_change();

-- Checked per statement and not per row: the postings of a transaction are inserted together or not at all.
create function check_postings() returns trigger language plpgsql as $$
begin
  if exists (
    select from added group by transaction_id, currency
    having sum(case direction when 'credit' then amount else -amount end) <> 0
  ) then
    raise exception 'the postings of a transaction do not sum to zero' using errcode = 'check_violation';
  end if;
  if exists (
    select from added a where not exists (select from transaction t where t.id = a.transaction_id)
  ) then
    raise exception 'a posting belongs to no transaction' using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
create trigger posting_sums_to_zero after insert on posting
  referencing new table as added for each statement execute function check_postings();

-- What was decided about the money of a slip: the guard against a second decision. Without an amount nothing is posted.
create table hold (
  slip_id text collate "C" primary key,
  clock text collate "C" not null,
  kind text collate "C" not null,
  account text collate "C" not null,
  counterparty text collate "C" not null,
  amount numeric(38, 0) check (amount > 0),
  currency text collate "C",
  status text collate "C" not null check (status in ('held', 'refused', 'settled', 'refunded', 'compensated')),
  check ((amount is null) = (currency is null))
) with (fillfactor = 70);
create index hold_open on hold (clock) where status = 'held';

create function refuse_hold_transition() returns trigger language plpgsql as $$
begin
  raise exception 'slip %: a hold that is % cannot become %', old.slip_id, old.status, new.status
    using errcode = 'check_violation';
end $$;
-- One batch may refund and compensate: only the outcome is written.
create trigger hold_transition before update on hold for each row
  when (not (old.status = 'held' and new.status in ('settled', 'refunded', 'compensated')
          or old.status = 'refunded' and new.status = 'compensated'))
  execute function refuse_hold_transition();

-- Opens the accounts that are missing and locks all of them. Both steps go in key order: concurrent batches never
-- deadlock on each other, because a step only waits for rows that come after everything it holds.
create function lock_accounts(p_clocks text[], p_names text[], p_currencies text[])
returns table (clock text, name text, currency text, balance numeric) language plpgsql as $$
#variable_conflict use_column
begin
  insert into account (clock, name, currency)
    select w.clock, w.name, w.currency from unnest(p_clocks, p_names, p_currencies) as w(clock, name, currency)
    order by w.clock collate "C", w.name collate "C", w.currency collate "C"
    on conflict do nothing;
  return query
    select a.clock, a.name, a.currency, a.balance
      from account a
      where (a.clock, a.name, a.currency) in (
        select w.clock, w.name, w.currency from unnest(p_clocks, p_names, p_currencies) as w(clock, name, currency))
      order by a.clock, a.name, a.currency
      for update;
end $$;

-- Empty when the books balance. Every row is an error, with what it is about and by how much.
create view ledger_imbalance as
  with folded as (
    select t.clock, p.account as name, p.currency,
           sum(case p.direction when 'credit' then p.amount else -p.amount end) as balance
      from posting p join transaction t on t.id = p.transaction_id
      group by t.clock, p.account, p.currency
  )
  select 'postings of a currency do not sum to zero' as problem, clock, null as name, currency, sum(balance) as difference
    from folded group by clock, currency having sum(balance) <> 0
  union all
  select 'balances of a currency do not sum to zero', clock, null, currency, sum(balance)
    from account group by clock, currency having sum(balance) <> 0
  union all
  select 'a balance differs from its postings', clock, name, currency, coalesce(a.balance, 0) - coalesce(f.balance, 0)
    from account a full join folded f using (clock, name, currency)
    where coalesce(a.balance, 0) <> coalesce(f.balance, 0)
  union all
  select 'a transaction does not sum to zero', t.clock, t.id::text, p.currency,
         sum(case p.direction when 'credit' then p.amount else -p.amount end)
    from posting p join transaction t on t.id = p.transaction_id
    group by t.clock, t.id, p.currency
    having sum(case p.direction when 'credit' then p.amount else -p.amount end) <> 0;
