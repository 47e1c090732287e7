-- From which balance to which a statement leads, by account and currency: the next one goes on from there, or there is a gap.
create table statement_balance (
  statement_id uuid not null references statement,
  -- Which of the file's statements, from 0.
  account_n int not null,
  provider text not null,
  -- Whose files they are, where they do not name their account; else ''.
  source text not null,
  account text not null,
  name text not null,
  -- Where it begins in the file.
  line int not null,
  currency text not null,
  closes_on date not null,
  opening bigint not null,
  closing bigint not null,
  -- The break that says that it does not go on from the one before.
  gap uuid,
  primary key (statement_id, account_n, currency)
);
create index statement_balance_of_account on statement_balance (provider, account, source, currency, closes_on);

insert into statement_balance
  (statement_id, account_n, provider, source, account, name, line, currency, closes_on, opening, closing)
select s.id, a.place - 1, s.provider, case when a.told ->> 'account' = '' then s.source else '' end, a.told ->> 'account',
    a.told ->> 'name', 0, t.total ->> 'currency', l.day, (t.total ->> 'opening')::bigint, (t.total ->> 'closing')::bigint
  from statement s
  cross join json_array_elements(s.accounts) with ordinality as a(told, place)
  cross join json_array_elements(a.told -> 'totals') as t(total)
  cross join lateral (
    select max(booked_on) as day from statement_line l
     where l.statement_id = s.id and l.account = a.place - 1 and l.currency = t.total ->> 'currency') as l
 where t.total ->> 'opening' is not null and t.total ->> 'closing' is not null and l.day is not null;
