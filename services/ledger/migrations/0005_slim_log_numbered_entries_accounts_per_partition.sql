-- The log keeps where an event lies, whose it is, and the exact bytes: what the columns below said stands in the bytes.
-- Dropped in place: a log of years is not written anew.
drop index event_log_by_sequence;
alter table event_log
  drop column source, drop column seq, drop column event_id, drop column type, drop column clock,
  drop column at, drop column received_at;

-- An account is a row per partition that moved it, so that no two partitions ever wait for the same row; its balance is
-- the sum of them. `owner` is whose it is: of a payer `available` or `held`, of a provider `settlement` or `receivable`.
alter table account rename to old_account;
alter table old_account rename constraint account_pkey to old_account_pkey;
create table account (
  id bigint generated always as identity,
  clock text collate "C" not null,
  owner text collate "C" not null,
  kind text collate "C" not null check (kind in ('available', 'held', 'settlement', 'receivable')),
  currency text collate "C" not null,
  partition int not null,
  balance numeric(38, 0) not null default 0,
  constraint account_pkey primary key (id),
  constraint account_of_partition unique (owner, kind, clock, currency, partition)
) with (fillfactor = 50);

-- Rule 7: a row is a transaction. `debit` pays `amount` to `credit` and `rest` to `rest_credit`, so that its postings
-- sum to zero whatever is inserted. A slip's entries are numbered: the first holds, the second ends it (settled or
-- refunded, never both: there is one second entry), what comes later corrects. `id` is UUIDv5 of the event that caused it.
create table entry (
  slip_id text collate "C" not null,
  n smallint not null check (n > 0),
  type text collate "C" not null,
  id uuid not null,
  debit bigint not null,
  credit bigint not null,
  amount bigint not null check (amount > 0),
  rest_credit bigint,
  rest bigint check (rest > 0),
  at timestamptz not null,
  primary key (slip_id, n),
  constraint entry_held_first check ((type = 'hold') = (n = 1)),
  constraint entry_settled_xor_refunded check ((type in ('settle', 'refund')) = (n = 2)),
  constraint entry_type check (type in ('hold', 'settle', 'refund', 'compensate')),
  constraint entry_moves check (debit <> credit and debit is distinct from rest_credit),
  check ((rest is null) = (rest_credit is null))
);

-- Before anything is moved: what the new rows must say again.
create temporary table before_move on commit drop as
  select (select count(*) from transaction) as transactions,
         (select sum(hashtextextended(concat_ws(' ', id, slip_id, type, clock, extract(epoch from at)::text), 0)::numeric) from transaction) as entries,
         (select sum(hashtextextended(concat_ws(' ', transaction_id, n, account, currency, direction, amount), 0)::numeric) from posting) as postings,
         (select sum(hashtextextended(concat_ws(' ', slip_id, clock, kind, account, counterparty, amount, currency, status), 0)::numeric) from hold) as holds;

create temporary table old_line on commit drop as
  select t.slip_id, t.clock, t.id, t.type, t.at, s.partition, p.n, p.direction, p.amount, p.currency, p.account,
         split_part(p.account, ':', 1) as side,
         substring(p.account from '^[a-z]+:(.*):[a-z]+$') as owner,
         substring(p.account from ':([a-z]+)$') as kind
    from transaction t join slip s on s.id = t.slip_id join posting p on p.transaction_id = t.id;

insert into account (clock, owner, kind, currency, partition, balance)
  select clock, owner, kind, currency, partition, sum(case direction when 'credit' then amount else -amount end)
    from old_line group by clock, owner, kind, currency, partition
    order by min(at), owner, kind;
-- Opened and never moved.
insert into account (clock, owner, kind, currency, partition)
  select o.clock, substring(o.name from '^[a-z]+:(.*):[a-z]+$'), substring(o.name from ':([a-z]+)$'), o.currency, 0
    from old_account o
    where not exists (select from old_line l where l.clock = o.clock and l.account = o.name and l.currency = o.currency);

insert into entry (slip_id, n, type, id, debit, credit, amount, rest_credit, rest, at)
  select slip_id, case type when 'hold' then 1 when 'settle' then 2 when 'refund' then 2 else 3 end, type, l.id,
         (array_agg(a.id) filter (where direction = 'debit'))[1],
         (array_agg(a.id order by l.n) filter (where direction = 'credit'))[1],
         (array_agg(amount order by l.n) filter (where direction = 'credit'))[1],
         (array_agg(a.id order by l.n) filter (where direction = 'credit'))[2],
         (array_agg(amount order by l.n) filter (where direction = 'credit'))[2],
         at
    from old_line l join account a using (owner, kind, clock, currency, partition)
    group by slip_id, type, l.id, at;

create index entry_by_debit on entry (debit, at);
create index entry_by_credit on entry (credit, at);
create index entry_by_rest_credit on entry (rest_credit, at) where rest_credit is not null;
create trigger entry_append_only before update or delete or truncate on entry
  for each statement execute function refuse_change();

-- Money never changes its currency or its clock: checked once for all rows of a statement.
create function check_entries() returns trigger language plpgsql as $$
begin
  if exists (
    select from added e
      left join account d on d.id = e.debit
      left join account c on c.id = e.credit
      left join account r on r.id = e.rest_credit
      where (c.clock, c.currency) is distinct from (d.clock, d.currency)
         or d.id is null or c.id is null
         or (e.rest_credit is not null and (r.clock, r.currency) is distinct from (d.clock, d.currency))
  ) then
    raise exception 'an entry moves money between clocks, currencies or accounts that are not there'
      using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger entry_keeps_currency after insert on entry
  referencing new table as added for each statement execute function check_entries();

-- What was decided about the money of a slip stands in its row: the guard against a second decision. `hold_terms` are
-- the hold's own, where they are not those that the slip shows. `entries` counts its rows there.
alter table slip
  add column hold_status text collate "C" check (hold_status in ('held', 'refused', 'settled', 'refunded', 'compensated')),
  add column hold_terms text,
  add column entries smallint not null default 0,
  add column rare_status text collate "C",
  add column not_returned boolean not null default false;
drop index slip_not_returned;
update slip s set
    hold_status = h.status,
    hold_terms = case
      when h.slip_id is not null and (h.clock, h.kind, h.account, h.counterparty, h.amount, h.currency)
        is distinct from (s.clock, s.kind, s.account, s.counterparty, s.amount, s.currency)
      then json_build_object('clock', h.clock, 'kind', h.kind, 'account', h.account, 'counterparty', h.counterparty,
        'amount', h.amount::text, 'currency', h.currency)::text end,
    entries = (select coalesce(max(e.n), 0) from entry e where e.slip_id = s.id),
    rare_status = case when s.status in ('submitted', 'held', 'dispatching', 'acknowledged', 'returned', 'settled')
      then null else s.status end,
    not_returned = s.overdue and s.outcome is null
  from slip o left join hold h on h.slip_id = o.id
  where o.id = s.id;

-- The columns of these indexes change in rare lives only: an index on `status` would cost every life an entry in every
-- index of the table at each step.
create index slip_by_rare_status on slip (clock, rare_status, listed_at, id) where rare_status is not null;
create index slip_by_cause_class on slip (clock, cause_class, listed_at, id) where cause_class is not null;
create index slip_by_cause_code on slip (clock, cause_code, listed_at, id) where cause_code is not null;
create index slip_not_returned on slip (clock) where not_returned;
-- Whether anything is held is asked all day.
create index slip_held on slip (clock) where hold_status = 'held';

create function refuse_hold_change() returns trigger language plpgsql as $$
begin
  raise exception 'slip %: a hold that is % cannot become %', old.id, old.hold_status, coalesce(new.hold_status, 'none')
    using errcode = 'check_violation';
end $$;
-- After and not before: only rows that break the rule cost anything. One batch may refund and compensate.
create trigger slip_hold_transition after update on slip for each row
  when (old.hold_status is distinct from new.hold_status and old.hold_status is not null
    and not (old.hold_status = 'held' and coalesce(new.hold_status, '') in ('settled', 'refunded', 'compensated')
      or old.hold_status = 'refunded' and coalesce(new.hold_status, '') = 'compensated'))
  execute function refuse_hold_change();

drop view ledger_imbalance;
-- The postings that an entry stands for, in the order of its transaction.
create view posting_of_entry as
  select e.slip_id, e.n as entry, 1 as n, e.debit as account_id, -(e.amount + coalesce(e.rest, 0)) as change from entry e
  union all
  select e.slip_id, e.n, 2, e.credit, e.amount from entry e
  union all
  select e.slip_id, e.n, 3, e.rest_credit, e.rest from entry e where e.rest is not null;

-- Empty when the books balance. Every row is an error, with what it is about and by how much.
create view ledger_imbalance as
  with folded as (
    select account_id, sum(change) as balance from posting_of_entry group by account_id
  ), compared as (
    select a.clock, a.owner, a.kind, a.currency, a.balance, coalesce(f.balance, 0) as folded
      from account a left join folded f on f.account_id = a.id
  )
  select 'postings of a currency do not sum to zero' as problem, clock, null as owner, null as kind, currency,
         sum(folded) as difference
    from compared group by clock, currency having sum(folded) <> 0
  union all
  select 'balances of a currency do not sum to zero', clock, null, null, currency, sum(balance)
    from compared group by clock, currency having sum(balance) <> 0
  union all
  select 'a balance differs from its postings', clock, owner, kind, currency, sum(balance) - sum(folded)
    from compared where balance <> folded group by clock, owner, kind, currency
  union all
  select 'a posting belongs to no account', null, null, null, null, f.balance
    from folded f where not exists (select from account a where a.id = f.account_id);

-- All or nothing: the books say again what they said, to the last posting and balance.
do $$
declare
  b before_move;
begin
  select * into b from before_move;
  if (select count(*) from entry) <> b.transactions then raise exception 'transactions were lost'; end if;
  if (select sum(hashtextextended(concat_ws(' ', e.id, e.slip_id, e.type, a.clock, extract(epoch from e.at)::text), 0)::numeric)
        from entry e join account a on a.id = e.debit) is distinct from b.entries then
    raise exception 'an entry differs from its transaction';
  end if;
  if (select sum(hashtextextended(concat_ws(' ', e.id, p.n, case when a.kind in ('available', 'held') then 'payer:' else 'provider:' end
          || a.owner || ':' || a.kind, a.currency, case when p.change < 0 then 'debit' else 'credit' end, abs(p.change)), 0)::numeric)
        from posting_of_entry p join entry e on e.slip_id = p.slip_id and e.n = p.entry join account a on a.id = p.account_id)
      is distinct from b.postings then
    raise exception 'a posting differs';
  end if;
  if exists (
    select from old_account o full join (select clock, owner, kind, currency, sum(balance) as balance from account group by 1, 2, 3, 4) a
      on o.clock = a.clock and o.currency = a.currency
        and o.name = case when a.kind in ('available', 'held') then 'payer:' else 'provider:' end || a.owner || ':' || a.kind
      where o.balance is distinct from a.balance
  ) then raise exception 'a balance differs'; end if;
  if (select sum(hashtextextended(concat_ws(' ', id, coalesce(hold_terms::json ->> 'clock', clock), coalesce(hold_terms::json ->> 'kind', kind),
          coalesce(hold_terms::json ->> 'account', account), coalesce(hold_terms::json ->> 'counterparty', counterparty),
          case when hold_terms is null then amount::text else hold_terms::json ->> 'amount' end,
          case when hold_terms is null then currency else hold_terms::json ->> 'currency' end, hold_status), 0)::numeric)
        from slip where hold_status is not null) is distinct from b.holds then
    raise exception 'a hold differs';
  end if;
end $$;

drop table posting, transaction, hold, old_account;
drop function lock_accounts(text[], text[], text[]), check_postings(), refuse_hold_transition();
