-- Slips about which nothing was to be decided yet are followed in memory and have no row here; those that are looked at
-- (overdue, failed, in doubt, imported) are rows as before. Memory is a snapshot and the topic behind it.
create table quiet_snapshot (
  partition int primary key,
  -- How the chunks are to be read.
  format int not null,
  -- Everything below was read.
  kafka_offset bigint not null,
  -- The last number read of each source.
  sequences json not null,
  slips int not null
) with (fillfactor = 50);
create table quiet_snapshot_chunk (
  partition int not null,
  n int not null,
  bytes bytea not null,
  primary key (partition, n)
);
alter table quiet_snapshot_chunk alter column bytes set storage external;

-- Slips that left memory since the snapshot, and from which offset on.
create table quiet_departure (
  partition int not null,
  kafka_offset bigint not null,
  slip_id uuid not null,
  primary key (partition, kafka_offset, slip_id)
);

-- When the earliest deadline is due of those that an instance follows in memory: the one that speaks for all must know.
create table quiet_due (
  partition int primary key,
  due_at timestamptz
) with (fillfactor = 50);

-- The observations by their name. The release before this one does not know of slips in memory: its statements fail here,
-- so that it waits and says so instead of missing deadlines.
alter table open_slip rename column facts to observations;
alter table archived_slip rename column facts to observations;
