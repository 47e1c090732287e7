-- Whoever has numbers to give holds the lock of each partition by itself, in one order, until he has committed. Before, he held it together
-- with the others, for the watermark's clock, and the row of the partition besides: a record in the log for each, before the row was changed.
create or replace function number_events(p_topics text[], p_partitions int[], p_counts bigint[])
returns table (topic text, partition int, first_seq bigint, at timestamptz, received_at timestamptz) language plpgsql as $$
#variable_conflict use_column
declare
  v_now timestamptz;
  v_received timestamptz;
  v_numbered bigint;
begin
  perform pg_advisory_xact_lock(w.topic, w.partition) from (
    select distinct hashtext(e.topic) as topic, e.partition from unnest(p_topics, p_partitions) as e(topic, partition)
      order by 1, 2 offset 0) as w;
  v_now := clock_timestamp();
  v_received := vouched_time();
  if v_received < v_now or v_received > v_now + clock_step_bridged() then v_received := v_now; end if;
  -- It begins after the locks were granted, so it sees what their holders before have committed.
  return query
    update sequencer s
      set next_seq = s.next_seq + c.n, last_time = greatest(s.last_time, v_received)
      from unnest(p_topics, p_partitions, p_counts) as c(topic, partition, n)
      where s.topic = c.topic and s.partition = c.partition
      returning s.topic, s.partition, s.next_seq - c.n, s.last_time,
        case when s.last_time <= v_now + clock_step_bridged() then s.last_time else v_received end;
  get diagnostics v_numbered = row_count;
  if v_numbered <> cardinality(p_topics) then
    raise exception 'no sequencer row for some of %, partitions %', p_topics, p_partitions;
  end if;
end $$;

-- Whoever moves several places of a group at once takes their locks first, in one order: so no two of them wait in a ring.
create function lock_positions(p_group text, p_topic text, p_partitions int[]) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(w.lock) from (
    select distinct hashtextextended(concat_ws(chr(31), p_group, p_topic), n) as lock from unnest(p_partitions) as p(n)
      order by 1 offset 0) as w;
end $$;
