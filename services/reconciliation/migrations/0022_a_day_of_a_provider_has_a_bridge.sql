-- On which days a statement moved what an account holds: those that touch one day are found, however many files tell of it.
alter table statement_balance
  add column first_on date,
  add column last_on date;
update statement_balance b
   set first_on = least(b.closes_on, l.first), last_on = greatest(b.closes_on, l.last)
  from (select b.statement_id, b.account_n, b.currency, min(l.booked_on) as first, max(l.booked_on) as last
          from statement_balance b
          left join statement_line l on l.statement_id = b.statement_id and l.account = b.account_n and l.currency = b.currency
         group by b.statement_id, b.account_n, b.currency) as l
 where l.statement_id = b.statement_id and l.account_n = b.account_n and l.currency = b.currency;
alter table statement_balance
  alter column first_on set not null,
  alter column last_on set not null;
create index statement_balance_touches on statement_balance using gist (daterange(first_on, last_on, '[]'));
create index statement_touches on statement using gist (daterange(booked_from, booked_to, '[]')) where booked_from is not null;
