-- Since when the refund of a slip waits, or waited, for people because our own trouble kept many from being sent; null: it never did.
alter table missed_slip add column withheld_at timestamptz;
create index missed_slip_withheld on missed_slip (withheld_at) where withheld_at is not null;
