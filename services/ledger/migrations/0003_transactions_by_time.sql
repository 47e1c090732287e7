-- Transactions are listed latest first: a page of a busy account must not sort everything that account ever moved.
create index transaction_by_time on transaction (at, id);
