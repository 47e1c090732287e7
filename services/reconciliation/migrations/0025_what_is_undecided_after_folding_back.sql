-- What was read while this database lacked events of its own, and what follows from it that was not read (ADR 102): decided when it lacks no more.
create table undecided (
  n bigint generated always as identity primary key,
  partition int not null,
  slip_id text not null,
  -- What was to be said of it, a JSON list.
  awaited json not null,
  -- As it stands on the topic.
  event bytea not null
);
create index undecided_of_slip on undecided (slip_id, n);
create index undecided_of_partition on undecided (partition, n);
