-- An event whose partition has no sequencer row fails the transaction here: its writer sends the commit along with it, and
-- cannot look at the answer before.
create or replace function number_events(p_topics text[], p_partitions int[], p_counts bigint[])
returns table (topic text, partition int, first_seq bigint, at timestamptz, received_at timestamptz) language plpgsql as $$
#variable_conflict use_column
declare
  v_now timestamptz;
  v_received timestamptz;
  v_numbered bigint;
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
  get diagnostics v_numbered = row_count;
  if v_numbered <> cardinality(p_topics) then
    raise exception 'no sequencer row for some of %, partitions %', p_topics, p_partitions;
  end if;
end $$;
