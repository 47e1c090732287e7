-- Rule 6: the latest reading of the clock that was vouched for, in microseconds since 1970. Unlogged: setting it writes no
-- log and needs no transaction id, and what a crash forgets matters only to a clock that steps back in the same moment.
create unlogged sequence vouched_micros minvalue 0 start 0;

-- A step back of the clock up to this long is bridged: nothing is received at or before what was vouched for. After a
-- longer one the real time is told, and whoever judges by watermarks waits until the clock has passed them again.
create function clock_step_bridged() returns interval language sql immutable as $$ select interval '1 second' $$;

create function vouched_time() returns timestamptz language sql volatile as $$
  select timestamptz '1970-01-01 00:00:00+00' + last_value * interval '1 microsecond' from vouched_micros
$$;

-- As before, and: `received_at` is the real time of the commit where the evidence has no time of its own (`at` orders and
-- never goes back, so a clock that was ahead leaves it ahead); and a shared lock on each partition tells whoever reads the
-- clock that a writer is in flight, without a word in the log.
create or replace function append_events(
  p_topics text[], p_partitions int[], p_keys text[], p_bodies bytea[], p_received timestamptz[], p_headers jsonb[]
) returns table (topic text, partition int, first_seq bigint, at timestamptz) language plpgsql as $$
#variable_conflict use_column
declare
  v_now timestamptz;
  v_received timestamptz;
begin
  perform pg_advisory_xact_lock_shared(hashtext(w.topic), w.partition)
    from (select distinct e.topic, e.partition from unnest(p_topics, p_partitions) as e(topic, partition)) as w;
  perform 1 from sequencer s
    where (s.topic, s.partition) in (select distinct w.topic, w.partition from unnest(p_topics, p_partitions) as w(topic, partition))
    order by s.topic, s.partition
    for update;
  v_now := clock_timestamp();
  v_received := vouched_time();
  if v_received < v_now or v_received > v_now + clock_step_bridged() then v_received := v_now; end if;
  return query
    with event as (
      select * from unnest(p_topics, p_partitions, p_keys, p_bodies, p_received, p_headers)
        with ordinality as e(topic, partition, key, body, received_at, headers, ord)
    ), counted as (
      select topic, partition, count(*) as n from event group by topic, partition
    ), stamped as (
      update sequencer s
        set next_seq = s.next_seq + c.n, last_time = greatest(s.last_time, v_received)
        from counted c
        where s.topic = c.topic and s.partition = c.partition
        returning s.topic, s.partition, s.next_seq - c.n as first_seq, s.last_time as at,
          case when s.last_time <= v_now + clock_step_bridged() then s.last_time else v_received end as received_at
    ), written as (
      insert into outbox (topic, partition, seq, at, received_at, key, headers, body)
        select e.topic, e.partition,
               t.first_seq + row_number() over (partition by e.topic, e.partition order by e.ord) - 1,
               t.at, coalesce(e.received_at, t.received_at), e.key, e.headers, e.body
          from event e join stamped t on t.topic = e.topic and t.partition = e.partition
    )
    select t.topic, t.partition, t.first_seq, t.at from stamped t;
end $$;

drop function read_sequencer_clock(text);

-- Rule 6, per partition: the last number given out, and until when nothing more can be received. That is now where no
-- writer is in flight; where one is, the time of the last event, unless that lies ahead of the clock (null: nothing can be
-- said). Nobody is waited for, nothing is written, and the locks end with the statement.
create function read_watermark_clock(p_topic text)
returns table (partition int, last_seq bigint, at timestamptz, sent_seq bigint, end_offset bigint, reading timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  v_free int[];
  v_now timestamptz;
begin
  select array_agg(s.partition) into v_free
    from (select partition from sequencer where topic = p_topic offset 0) as s
    where pg_try_advisory_xact_lock(hashtext(p_topic), s.partition);
  v_now := clock_timestamp();
  if vouched_time() < v_now or vouched_time() > v_now + clock_step_bridged() then
    perform setval('vouched_micros', (extract(epoch from v_now) * 1000000)::bigint);
  end if;
  return query
    select s.partition, s.next_seq - 1,
           case when s.partition = any(v_free) then v_now
                when s.last_time > '-infinity' and s.last_time <= v_now then s.last_time
           end - interval '1 microsecond',
           r.sent_seq, r.end_offset, v_now
      from sequencer s join relay r on r.topic = s.topic and r.partition = s.partition
      where s.topic = p_topic
      order by s.partition;
end $$;
