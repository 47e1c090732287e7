-- When the present stage of an open slip may have to be told of next; null: it has no limits, or nothing is to be told any more. A row of the
-- release before this one has none until its next event.
alter table open_slip add column late_at timestamptz;
create index open_slip_late on open_slip (partition, late_at, slip_id) where late_at is not null;
