-- A slip may wait for people before anything is held or sent. Every row satisfies the check: it allows more than the one
-- before, so none is read for it.
alter table slip
  drop constraint slip_status_check,
  add constraint slip_status_check
    check (status in ('draft', 'submitted', 'rejected', 'expired', 'withdrawn', 'in_review', 'declined')) not valid;

-- What people decide or decided about a slip, kept for ever. What must hold whoever writes it is said here.
create table review (
  slip_id uuid primary key,
  -- Whoever submitted the slip.
  maker text not null,
  reference text not null,
  kind text not null,
  account text not null,
  counterparty text not null,
  -- Minor units; null: the slip moves no money.
  amount bigint,
  currency text,
  route text not null,
  rules text[] not null,
  approvals_needed int not null check (approvals_needed in (1, 2)),
  requested_at timestamptz not null,
  due_at timestamptz not null,
  -- Of its SlipSubmitted; and what is left from the approval on, null: the deadline stands.
  deadline timestamptz not null,
  outcome_deadline_ms bigint,
  status text not null check (status in ('open', 'approved', 'declined', 'withdrawn')),
  claimed_by text,
  first_approver text,
  second_approver text,
  decided_by text,
  reason text not null,
  detail text not null,
  constraint review_is_not_claimed_by_its_maker check (claimed_by <> maker),
  constraint review_is_not_approved_by_its_maker check (first_approver <> maker and second_approver <> maker),
  constraint review_is_not_declined_by_its_maker check (status <> 'declined' or decided_by <> maker),
  constraint review_is_approved_by_two_people check (first_approver <> second_approver),
  constraint review_is_approved_by_enough check (
    status <> 'approved'
    or first_approver is not null and (approvals_needed = 1 or second_approver is not null)
  ),
  constraint review_that_ended_names_who_ended_it check ((status = 'open') = (decided_by is null))
);
create index review_by_age on review (requested_at, slip_id);
create index review_open_by_age on review (requested_at, slip_id) where status = 'open';
create index review_open_by_due_time on review (due_at) where status = 'open';

-- What has ended stays as it ended.
create function review_has_ended() returns trigger language plpgsql as $$
begin
  raise exception 'the review of slip % is % and stays so', old.slip_id, old.status;
end $$;
create trigger review_has_ended before update or delete on review
  for each row when (old.status <> 'open') execute function review_has_ended();

-- `submit_slips`, for requests of which some have to wait: `p_waits` says how, with the draft's row or the review's;
-- behind a review's slip its second event is published, `p_review_bodies`. What is done for them comes behind what is done
-- for all, and touches rows that nobody else can know of yet.
drop function submit_drafts;
create function submit_waiting_slips(
  p_callers text[], p_operations text[], p_keys text[], p_digests bytea[], p_references text[], p_slip_ids uuid[],
  p_partitions int[], p_bodies bytea[], p_topic text, p_clock text, p_judged_at timestamptz, p_lock_timeout text,
  p_waits jsonb[], p_review_bodies bytea[]
) returns table (
  place bigint, outcome text, slip_id uuid, digest bytea, event_partition int, event_seq bigint, event_at timestamptz
) language plpgsql as $$
#variable_conflict use_column
declare
  v_wait jsonb;
  v_slip_id uuid;
begin
  for place, outcome, slip_id, digest, event_partition, event_seq, event_at in
    select * from submit_slips(p_callers, p_operations, p_keys, p_digests, p_references, p_slip_ids, p_partitions, p_bodies,
      p_topic, p_clock, p_judged_at, p_lock_timeout)
  loop
    v_wait := p_waits[place];
    v_slip_id := p_slip_ids[place];
    if outcome = 'made' and v_wait ? 'draft' then
      update slip s set status = 'draft' where s.slip_id = v_slip_id;
      insert into draft (slip_id, submission, remind_at, expires_at)
        select v_slip_id, d.submission, d.remind_at, d.expires_at
        from jsonb_to_record(v_wait -> 'draft') as d(submission text, remind_at timestamptz, expires_at timestamptz);
    elsif outcome = 'made' and v_wait ? 'review' then
      update slip s set status = 'in_review', version = 2 where s.slip_id = v_slip_id;
      insert into review select (jsonb_populate_record(null::review, v_wait -> 'review')).*;
      event_seq := (
        select first_seq from append_events(array[p_topic], array[p_partitions[place]], array[v_slip_id::text],
          array[p_review_bodies[place]], null, null)
      );
      -- The answer names the last event that the request wrote.
      update idempotency i set event_seq = submit_waiting_slips.event_seq
        where i.caller = p_callers[place] and i.operation = p_operations[place] and i.key = p_keys[place];
    end if;
    return next;
  end loop;
end $$;

-- As it was, and what it does of reviews: `p_new_reviews` begin, `p_progress` says where others stand.
drop function change_slips;
create function change_slips(
  p_slip_ids uuid[], p_versions int[], p_statuses text[], p_new_reviews jsonb[], p_progress jsonb[],
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
  insert into review select r.* from unnest(p_new_reviews) with ordinality as c(review, place),
      jsonb_populate_record(null::review, c.review) as r
    where c.review is not null and c.place = any(v_changed);
  update review r set status = n.status, claimed_by = n.claimed_by, first_approver = n.first_approver,
      second_approver = n.second_approver, decided_by = n.decided_by, reason = n.reason, detail = n.detail
    from unnest(p_slip_ids, p_progress) with ordinality as c(slip_id, progress, place),
      jsonb_populate_record(null::review, c.progress) as n
    where r.slip_id = c.slip_id and c.progress is not null and c.place = any(v_changed);

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
