-- Rule 5: where each group stands. The epoch is taken anew at each assignment and fences out the owner before.
create table consumer_position (
  consumer_group text not null,
  topic text not null,
  partition int not null,
  epoch bigint not null default 0,
  next_offset bigint not null default -1,
  primary key (consumer_group, topic, partition)
) with (fillfactor = 50);

create table consumer_sequence (
  consumer_group text not null,
  topic text not null,
  partition int not null,
  source text not null,
  seq bigint not null,
  primary key (consumer_group, topic, partition, source)
) with (fillfactor = 50);

-- Rule 9: a record set aside, and those of the same key that wait behind it, in order.
create table dead_letter (
  id bigint generated always as identity primary key,
  consumer_group text not null,
  topic text not null,
  partition int not null,
  kafka_offset bigint not null,
  park_key text,
  key bytea,
  value bytea,
  headers jsonb not null,
  reason text not null,
  error_class text not null,
  detail text not null,
  attempts int not null,
  failed_at timestamptz not null default clock_timestamp(),
  unique (consumer_group, topic, partition, kafka_offset)
);
create index dead_letter_by_park_key on dead_letter (consumer_group, topic, park_key, kafka_offset);

create table parked_key (
  consumer_group text not null,
  topic text not null,
  partition int not null,
  key text not null,
  parked_at timestamptz not null default clock_timestamp(),
  primary key (consumer_group, topic, partition, key)
);
