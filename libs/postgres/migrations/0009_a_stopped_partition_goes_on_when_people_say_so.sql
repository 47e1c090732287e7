-- A partition that stopped (rule 5), and why. Its row goes when people have decided from where it goes on, and whenever the
-- partition is claimed anew: if it still cannot go on, it stops again.
create table stopped_partition (
  consumer_group text not null,
  topic text not null,
  partition int not null,
  stopped_at timestamptz not null default clock_timestamp(),
  why text not null,
  primary key (consumer_group, topic, partition)
);

-- Rule 10: who decided it, when and why, and what stood there before.
create table partition_decision (
  id uuid primary key,
  decided_at timestamptz not null default clock_timestamp(),
  decided_by text not null,
  reason text not null,
  consumer_group text not null,
  topic text not null,
  partition int not null,
  stopped_at timestamptz not null,
  why text not null,
  from_offset bigint not null,
  to_offset bigint not null,
  from_topic_id text,
  to_topic_id text,
  source text,
  from_seq bigint,
  to_seq bigint
);
