-- What refunds that nobody asked for by hand took, by the minute: the budget is about the last hour. `currency` is empty
-- for slips that move no money.
create table repair_spent (
  minute timestamptz not null,
  currency text not null,
  refunds int not null,
  amount numeric not null,
  primary key (minute, currency)
);
