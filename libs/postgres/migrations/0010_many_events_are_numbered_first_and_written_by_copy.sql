-- Numbers and times of events that are about to be written, all that `append_events` did but the writing: whoever has
-- many of them writes them himself, by COPY, as the next and last statement of the transaction.
create function number_events(p_topics text[], p_partitions int[], p_counts bigint[])
returns table (topic text, partition int, first_seq bigint, at timestamptz, received_at timestamptz) language plpgsql as $$
#variable_conflict use_column
declare
  v_now timestamptz;
  v_received timestamptz;
begin
  perform pg_advisory_xact_lock_shared(hashtext(w.topic), w.partition)
    from (select distinct e.topic, e.partition from unnest(p_topics, p_partitions) as e(topic, partition)) as w;
  perform 1 from sequencer s
    where (s.topic, s.partition) in (select w.topic, w.partition from unnest(p_topics, p_partitions) as w(topic, partition))
    order by s.topic, s.partition
    for update;
  v_now := clock_timestamp();
  v_received := vouched_time();
  if v_received < v_now or v_received > v_now + clock_step_bridged() then v_received := v_now; end if;
  return query
    update sequencer s
      set next_seq = s.next_seq + c.n, last_time = greatest(s.last_time, v_received)
      from unnest(p_topics, p_partitions, p_counts) as c(topic, partition, n)
      where s.topic = c.topic and s.partition = c.partition
      returning s.topic, s.partition, s.next_seq - c.n, s.last_time,
        case when s.last_time <= v_now + clock_step_bridged() then s.last_time else v_received end;
end $$;

create or replace function append_events(
  p_topics text[], p_partitions int[], p_keys text[], p_bodies bytea[], p_received timestamptz[], p_headers jsonb[]
) returns table (topic text, partition int, first_seq bigint, at timestamptz) language plpgsql as $$
#variable_conflict use_column
begin
  return query
    with event as (
      select * from unnest(p_topics, p_partitions, p_keys, p_bodies, p_received, p_headers)
        with ordinality as e(topic, partition, key, body, received_at, headers, ord)
    ), counted as (
      select topic, partition, count(*) as n from event group by topic, partition
    ), stamped as materialized (
      select t.* from (select array_agg(topic) as topics, array_agg(partition) as partitions, array_agg(n) as counts from counted) as c,
        number_events(c.topics, c.partitions, c.counts) as t
    ), written as (
      insert into outbox (topic, partition, seq, at, received_at, key, headers, body)
        select e.topic, e.partition,
               t.first_seq + row_number() over (partition by e.topic, e.partition order by e.ord) - 1,
               t.at, coalesce(e.received_at, t.received_at), e.key, e.headers, e.body
          from event e join stamped t on t.topic = e.topic and t.partition = e.partition
    )
    select t.topic, t.partition, t.first_seq, t.at from stamped t;
end $$;
