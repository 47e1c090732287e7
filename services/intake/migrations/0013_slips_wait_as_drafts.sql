-- A slip may wait for its caller before it is submitted, and be taken back or expire while it does. Every row satisfies
-- the check: it allows more than the one before, so none is read for it.
alter table slip
  drop constraint slip_status_check,
  add constraint slip_status_check
    check (status in ('draft', 'submitted', 'rejected', 'expired', 'withdrawn')) not valid,
  -- Events that intake published about the slip. Whoever changes it names the one it saw.
  add column version int not null default 1;

-- What a command on a slip left it at; null: the slip was made under this key.
alter table idempotency add column status text, add column version int;

-- What a draft waits with.
create table draft (
  slip_id uuid primary key,
  submission text not null,
  -- null: its caller is not reminded, or was.
  remind_at timestamptz,
  expires_at timestamptz not null,
  due_at timestamptz not null generated always as (coalesce(remind_at, expires_at)) stored
);
create index draft_by_due_time on draft (due_at);

-- `submit_slips`, for requests of which some are drafts: `p_drafts` has those. What is done for them comes behind what is
-- done for all, and touches rows that nobody else can know of yet.
create function submit_drafts(
  p_callers text[], p_operations text[], p_keys text[], p_digests bytea[], p_references text[], p_slip_ids uuid[],
  p_partitions int[], p_bodies bytea[], p_topic text, p_clock text, p_judged_at timestamptz, p_lock_timeout text,
  p_drafts jsonb[]
) returns table (
  place bigint, outcome text, slip_id uuid, digest bytea, event_partition int, event_seq bigint, event_at timestamptz
) language plpgsql as $$
#variable_conflict use_column
declare
  v_draft jsonb;
begin
  for place, outcome, slip_id, digest, event_partition, event_seq, event_at in
    select * from submit_slips(p_callers, p_operations, p_keys, p_digests, p_references, p_slip_ids, p_partitions, p_bodies,
      p_topic, p_clock, p_judged_at, p_lock_timeout)
  loop
    v_draft := p_drafts[place];
    if outcome = 'made' and v_draft is not null then
      update slip s set status = 'draft' where s.slip_id = p_slip_ids[place];
      insert into draft (slip_id, submission, remind_at, expires_at)
        values (p_slip_ids[place], v_draft ->> 'submission', (v_draft ->> 'remind_at')::timestamptz,
          (v_draft ->> 'expires_at')::timestamptz);
    end if;
    return next;
  end loop;
end $$;

-- Changes slips that are at the version they were seen at, publishes the events that say so and keeps the answers of the
-- requests that asked for it; a slip that is not is left alone. Events name their slip by its place, from 1, in order;
-- without a key nobody asked. Gives where the last event of each changed slip is.
-- Locks are taken in the order slips, numbers, keys, sorted in each.
create function change_slips(
  p_slip_ids uuid[], p_versions int[], p_statuses text[],
  p_callers text[], p_operations text[], p_keys text[], p_digests bytea[],
  p_event_places int[], p_event_partitions int[], p_event_bodies bytea[], p_topic text
) returns table (slip_id uuid, event_partition int, event_seq bigint, event_at timestamptz) language plpgsql as $$
#variable_conflict use_column
declare
  v_changed bigint[];
  v_partitions int[];
  v_firsts bigint[];
  v_times timestamptz[];
begin
  perform from slip where slip_id = any(p_slip_ids) order by slip_id for update;
  with changed as (
    update slip s set status = c.status, version = s.version + c.events
      from (
        select c.*, (select count(*) from unnest(p_event_places) as e(place) where e.place = c.place) as events
        from unnest(p_slip_ids, p_versions, p_statuses) with ordinality as c(slip_id, version, status, place)
      ) as c
      where s.slip_id = c.slip_id and s.version = c.version
      returning c.place
  )
  select coalesce(array_agg(place), '{}') into v_changed from changed;
  if cardinality(v_changed) = 0 then return; end if;

  delete from draft d using unnest(p_slip_ids, p_statuses) with ordinality as c(slip_id, status, place)
    where d.slip_id = c.slip_id and c.place = any(v_changed) and c.status <> 'draft';
  -- A draft that stays one was reminded of.
  update draft d set remind_at = null from unnest(p_slip_ids, p_statuses) with ordinality as c(slip_id, status, place)
    where d.slip_id = c.slip_id and c.place = any(v_changed) and c.status = 'draft';

  select array_agg(n.partition), array_agg(n.first_seq), array_agg(n.at) into v_partitions, v_firsts, v_times
    from (
      select array_agg(p_topic) as topics, array_agg(e.partition order by e.ord) as partitions,
        array_agg(p_slip_ids[e.place]::text order by e.ord) as keys, array_agg(e.body order by e.ord) as bodies
      from unnest(p_event_places, p_event_partitions, p_event_bodies) with ordinality as e(place, partition, body, ord)
      where e.place = any(v_changed)
    ) as e, append_events(e.topics, e.partitions, e.keys, e.bodies, null, null) as n;

  return query
    with numbered as (
      select e.place, e.partition, n.at, n.first_seq + row_number() over (partition by e.partition order by e.ord) - 1 as seq
      from unnest(p_event_places, p_event_partitions) with ordinality as e(place, partition, ord)
      join unnest(v_partitions, v_firsts, v_times) as n(partition, first_seq, at) using (partition)
      where e.place = any(v_changed)
    ), last as (
      select distinct on (place) place, partition, seq, at from numbered order by place, seq desc
    ), answered as (
      insert into idempotency (caller, operation, key, digest, slip_id, event_partition, event_seq, event_at, status, version)
        select k.caller, k.operation, k.key, k.digest, s.slip_id, l.partition, l.seq, l.at, s.status, s.version
        from unnest(p_callers, p_operations, p_keys, p_digests, p_slip_ids) with ordinality
          as k(caller, operation, key, digest, slip_id, place)
        join last l using (place)
        join slip s on s.slip_id = k.slip_id
        where k.key is not null
        order by k.caller, k.operation, k.key
    )
    select p_slip_ids[l.place], l.partition, l.seq, l.at from last l;
end $$;
