-- Rule 4: one row per topic and partition gives every published event its number and its time, in commit order.
create table sequencer (
  topic text not null,
  partition int not null,
  next_seq bigint not null default 1,
  last_time timestamptz not null default '-infinity',
  primary key (topic, partition)
) with (fillfactor = 50);

-- What was committed to be published. `headers` set: a raw record (a dead letter); unset: a CloudEvent that the relay
-- completes with seq, time and received time. Rows are never changed; the relay keeps only a cursor.
create table outbox (
  topic text not null,
  partition int not null,
  seq bigint not null,
  at timestamptz not null,
  received_at timestamptz,
  key text,
  headers jsonb,
  body bytea not null,
  primary key (topic, partition, seq)
);

-- One leased, fenced sender per partition. `end_offset` is the Kafka offset after the last event sent.
create table relay (
  topic text not null,
  partition int not null,
  owner text,
  epoch bigint not null default 0,
  lease_until timestamptz not null default '-infinity',
  sent_seq bigint not null default 0,
  end_offset bigint not null default 0,
  primary key (topic, partition)
) with (fillfactor = 50);

-- Who is alive: each instance takes its fair share of the leases.
create table instance (
  id text primary key,
  seen_at timestamptz not null
);

-- Locks the rows ascending (so writers never deadlock on each other), stamps, and writes: one round trip, and the last
-- statement of its transaction. The update runs after the lock was granted, so it sees the newest row and the newest time.
create function append_events(
  p_topics text[], p_partitions int[], p_keys text[], p_bodies bytea[], p_received timestamptz[], p_headers jsonb[]
) returns table (topic text, partition int, first_seq bigint, at timestamptz) language plpgsql as $$
#variable_conflict use_column
begin
  perform 1 from sequencer s
    where (s.topic, s.partition) in (select distinct w.topic, w.partition from unnest(p_topics, p_partitions) as w(topic, partition))
    order by s.topic, s.partition
    for update;
  return query
    with event as (
      select * from unnest(p_topics, p_partitions, p_keys, p_bodies, p_received, p_headers)
        with ordinality as e(topic, partition, key, body, received_at, headers, ord)
    ), counted as (
      select topic, partition, count(*) as n from event group by topic, partition
    ), stamped as (
      update sequencer s
        set next_seq = s.next_seq + c.n, last_time = greatest(s.last_time, clock_timestamp())
        from counted c
        where s.topic = c.topic and s.partition = c.partition
        returning s.topic, s.partition, s.next_seq - c.n as first_seq, s.last_time as at
    ), written as (
      insert into outbox (topic, partition, seq, at, received_at, key, headers, body)
        select e.topic, e.partition,
               t.first_seq + row_number() over (partition by e.topic, e.partition order by e.ord) - 1,
               t.at, e.received_at, e.key, e.headers, e.body
          from event e join stamped t on t.topic = e.topic and t.partition = e.partition
    )
    select t.topic, t.partition, t.first_seq, t.at from stamped t;
end $$;

-- Rule 6: the time at which no writer of these partitions was in flight, and the last number given out before it.
-- Storing the time keeps a clock that steps back from stamping an event at or before a time already vouched for.
create function read_sequencer_clock(p_topic text)
returns table (partition int, last_seq bigint, at timestamptz) language plpgsql as $$
#variable_conflict use_column
begin
  perform 1 from sequencer s where s.topic = p_topic order by s.partition for update;
  return query
    update sequencer s set last_time = greatest(s.last_time, clock_timestamp())
      where s.topic = p_topic
      returning s.partition, s.next_seq - 1, s.last_time - interval '1 microsecond';
end $$;
