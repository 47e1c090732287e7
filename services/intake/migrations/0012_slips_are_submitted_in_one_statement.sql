-- A key is written once, when its event has its number: nothing has to learn its position afterwards. Whoever writes keys
-- the old way, a process of the release before, fails and makes no slip.
drop trigger answer_learns_its_position on outbox;
drop function answer_learns_its_position();
alter table idempotency
  alter column event_partition set not null,
  alter column event_seq set not null,
  alter column event_at set not null,
  -- Served that look-up only: a key names the slip that its own statement made.
  drop constraint idempotency_slip_id_key,
  -- No row is updated any more.
  reset (fillfactor);

-- Takes in requests that were judged at `p_judged_at`, in order: looks up their keys, adds the slips whose references
-- are free, publishes their events and keeps their answers. Without a slip id a request was refused and is only looked
-- up. Gives by place, from 1, what became of each ('made', 'kept' by an earlier request, 'taken' reference; nothing for a
-- refused one), and at place 0 the clock: 'again' when that is not what they were judged by, and nothing was done.
-- Locks are taken in the order references, numbers, keys, sorted in each; those that callers can hold against each other
-- are waited for no longer than `p_lock_timeout`. Each row is looked up by its key, whatever the planner thinks: the
-- plans are made while the tables are small and are kept while they grow.
create function submit_slips(
  p_callers text[], p_operations text[], p_keys text[], p_digests bytea[], p_references text[], p_slip_ids uuid[],
  p_partitions int[], p_bodies bytea[], p_topic text, p_clock text, p_judged_at timestamptz, p_lock_timeout text
) returns table (
  place bigint, outcome text, slip_id uuid, digest bytea, event_partition int, event_seq bigint, event_at timestamptz
) language plpgsql as $$
#variable_conflict use_column
declare
  v_now timestamptz := clock_timestamp();
  v_lock_timeout text := current_setting('lock_timeout');
  v_limited text := coalesce(p_lock_timeout, v_lock_timeout);
  v_used bigint[];
  v_made uuid[] := '{}';
  v_partitions int[];
  v_firsts bigint[];
  v_times timestamptz[];
begin
  -- Never by a time that has not come, and by none that is older than a look at the clock and a wait could make it.
  if p_judged_at > v_now or p_judged_at < v_now - interval '500 milliseconds' then
    return query select 0::bigint, 'again', null::uuid, null::bytea, null::int, null::bigint, v_now;
    return;
  end if;

  select coalesce(array_agg(k.place), '{}') into v_used
    from unnest(p_callers, p_operations, p_keys) with ordinality as k(caller, operation, key, place), lateral (
      select from idempotency where caller = k.caller and operation = k.operation and key = k.key offset 0) as i;

  perform set_config('lock_timeout', v_limited, true);
  with added as (
    insert into slip (slip_id, caller, reference, clock, digest, status, created_at)
      select slip_id, caller, reference, p_clock, digest, 'submitted', clock_timestamp()
      from unnest(p_slip_ids, p_callers, p_references, p_digests) with ordinality
        as s(slip_id, caller, reference, digest, place)
      where slip_id is not null and place <> all(v_used)
      order by caller, reference, place
    on conflict (caller, reference) do nothing
    returning slip.slip_id
  )
  select coalesce(array_agg(slip_id), '{}') into v_made from added;
  perform set_config('lock_timeout', v_lock_timeout, true);

  if cardinality(v_made) > 0 then
    select array_agg(n.partition), array_agg(n.first_seq), array_agg(n.at) into v_partitions, v_firsts, v_times
      from (
        select array_agg(p_topic) as topics, array_agg(partition order by place) as partitions,
          array_agg(slip_id::text order by place) as keys, array_agg(body order by place) as bodies
        from unnest(p_slip_ids, p_partitions, p_bodies) with ordinality as e(slip_id, partition, body, place)
        where slip_id = any(v_made)
      ) as e, append_events(e.topics, e.partitions, e.keys, e.bodies, null, null) as n;
    perform set_config('lock_timeout', v_limited, true);
    return query
      with made as (
        select r.*, n.first_seq + row_number() over (partition by partition order by r.place) - 1 as seq, n.at
        from unnest(p_callers, p_operations, p_keys, p_digests, p_slip_ids, p_partitions) with ordinality
          as r(caller, operation, key, digest, slip_id, partition, place)
        join unnest(v_partitions, v_firsts, v_times) as n(partition, first_seq, at) using (partition)
        where r.slip_id = any(v_made)
      ), answered as (
        insert into idempotency (caller, operation, key, digest, slip_id, event_partition, event_seq, event_at)
          select caller, operation, key, digest, slip_id, partition, seq, at from made
          order by caller, operation, key
      )
      select place, 'made', null::uuid, null::bytea, partition, seq, at from made;
    perform set_config('lock_timeout', v_lock_timeout, true);
  end if;

  if cardinality(v_made) < cardinality(p_keys) then
    return query
      select r.place, case when i.slip_id is null then 'taken' else 'kept' end, coalesce(i.slip_id, s.slip_id), i.digest,
        i.event_partition, i.event_seq, i.event_at
      from unnest(p_callers, p_operations, p_keys, p_references, p_slip_ids) with ordinality
          as r(caller, operation, key, reference, slip_id, place)
        left join lateral (
          select * from idempotency where caller = r.caller and operation = r.operation and key = r.key offset 0
        ) as i on true
        left join lateral (
          select slip_id from slip where caller = r.caller and reference = r.reference and r.slip_id is not null offset 0
        ) as s on true
      where (r.slip_id is null or r.slip_id <> all(v_made)) and (i.slip_id is not null or s.slip_id is not null);
  end if;
  return query select 0::bigint, 'done', null::uuid, null::bytea, null::int, null::bigint, clock_timestamp();
end $$;
