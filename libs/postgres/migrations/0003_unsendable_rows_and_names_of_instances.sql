-- A dead letter's copy that the broker will never take: kept as it was, passed over by the relay, and counted.
create table unsendable (
  topic text not null,
  partition int not null,
  seq bigint not null,
  at timestamptz not null,
  key text,
  headers jsonb,
  body bytea not null,
  reason text not null,
  passed_at timestamptz not null default clock_timestamp(),
  primary key (topic, partition, seq)
);

-- An instance is a process (`id`, new at each start) in a slot (`name`, kept over restarts): a start takes over what the
-- process before it in the slot held, and two live ones never share a lease. Rows of the release before have no name.
alter table instance add column name text not null default '';
