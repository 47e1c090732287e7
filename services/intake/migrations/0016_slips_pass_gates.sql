-- What was said last about an account; an account without a row is open, or unknown where accounts must be opened first.
create table account_status (
  account text primary key,
  status text not null check (status in ('active', 'frozen', 'closed')),
  -- Before the last change.
  previous text,
  reason text not null,
  actor text not null,
  changed_at timestamptz not null
);

-- Slips that rules about windows of time look back at. Written only where there are such rules, and deleted when the
-- longest window is over.
create table recent_slip (
  account text not null,
  at timestamptz not null,
  slip_id uuid not null,
  -- What makes another slip of the account the same business.
  business text,
  -- By limit: what the slip adds to it.
  adds jsonb not null,
  primary key (account, at, slip_id)
);
create index recent_slip_by_time on recent_slip (at);

-- Lets slips through, in order, and tells of those that it stops: the rule, and the slip that is in the way. What is let
-- through counts for those behind it. `p_gates` has what the rules about windows need of each ('business' and 'duplicate_ms',
-- and 'limits' with the key, the window, the most and what the slip adds); null: none of them is about this slip.
-- With `p_known_only` an account must have been opened. Without an account a slip passes.
-- Accounts with windows are locked until the transaction ends, after references and before numbers, in ascending order: so
-- nobody is let through by what another one has seen, too. Each row is looked up by its key, whatever the planner thinks.
create function pass_gates(
  p_slip_ids uuid[], p_accounts text[], p_counterparties text[], p_gates jsonb[], p_known_only boolean
) returns table (slip_id uuid, rule text, first_slip_id uuid) language plpgsql as $$
#variable_conflict use_column
declare
  v_stopped uuid[];
  v_rules text[];
  v_now timestamptz;
  v_slip record;
  v_rule text;
  v_first uuid;
begin
  select coalesce(array_agg(s.slip_id), '{}'), coalesce(array_agg(s.rule), '{}') into v_stopped, v_rules from (
    select g.slip_id,
      case
        when payer.status is null and p_known_only then 'account_unknown'
        when payer.status <> 'active' then 'account_' || payer.status
        when payee.status <> 'active' then 'counterparty_' || payee.status
      end as rule
    from unnest(p_slip_ids, p_accounts, p_counterparties) as g(slip_id, account, counterparty)
      left join lateral (select status from account_status where account = g.account offset 0) as payer on true
      left join lateral (select status from account_status where account = g.counterparty offset 0) as payee on true
    where g.account is not null
  ) as s where s.rule is not null;
  return query select s.slip_id, s.rule, null::uuid from unnest(v_stopped, v_rules) as s(slip_id, rule);
  if not exists (select from unnest(p_gates) as g(gate) where gate is not null) then return; end if;

  perform pg_advisory_xact_lock(a.lock) from (
    select distinct hashtextextended(g.account, 0) as lock
    from unnest(p_accounts, p_gates) as g(account, gate) where g.gate is not null order by 1
  ) as a;
  v_now := clock_timestamp();
  for v_slip in
    select g.* from unnest(p_slip_ids, p_accounts, p_gates) with ordinality as g(slip_id, account, gate, place)
    where g.gate is not null and g.slip_id <> all(v_stopped) order by g.place
  loop
    v_rule := null;
    select r.slip_id into v_first from recent_slip r
      where r.account = v_slip.account and r.business = v_slip.gate ->> 'business'
        and r.at > v_now - (v_slip.gate ->> 'duplicate_ms')::bigint * interval '1 millisecond'
      order by r.at limit 1;
    if found then
      v_rule := 'business_duplicate';
    else
      select 'limit_exceeded ' || l.key into v_rule
        from jsonb_to_recordset(v_slip.gate -> 'limits') as l(key text, window_ms bigint, most numeric, adds numeric),
          lateral (
            select coalesce(sum((r.adds ->> l.key)::numeric), 0) as total from recent_slip r
            where r.account = v_slip.account and r.at > v_now - l.window_ms * interval '1 millisecond'
          ) as used
        where used.total + l.adds > l.most
        order by l.key limit 1;
    end if;
    if v_rule is null then
      insert into recent_slip (account, at, slip_id, business, adds)
        select v_slip.account, v_now, v_slip.slip_id, v_slip.gate ->> 'business',
          coalesce((select jsonb_object_agg(l.key, l.adds)
            from jsonb_to_recordset(v_slip.gate -> 'limits') as l(key text, adds numeric)), '{}');
    else
      slip_id := v_slip.slip_id;
      rule := v_rule;
      first_slip_id := v_first;
      return next;
    end if;
  end loop;
end $$;

drop function submit_slips(
  text[], text[], text[], bytea[], text[], uuid[], int[], bytea[], text, text, timestamptz, text
);

-- As before; and of the slips that it added, those that `pass_gates` stops are taken out again, and told with the rule in the
-- place of what became of them and the slip that is in the way. Without accounts there are no gates.
create function submit_slips(
  p_callers text[], p_operations text[], p_keys text[], p_digests bytea[], p_references text[], p_slip_ids uuid[],
  p_partitions int[], p_bodies bytea[], p_topic text, p_clock text, p_judged_at timestamptz, p_lock_timeout text,
  p_accounts text[] default null, p_counterparties text[] default null, p_gates jsonb[] default null,
  p_known_only boolean default false
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
  v_stopped uuid[] := '{}';
  v_rules text[];
  v_in_the_way uuid[];
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
  if p_accounts is not null and cardinality(v_made) > 0 then
    select coalesce(array_agg(g.slip_id), '{}'), array_agg(g.rule), array_agg(g.first_slip_id)
      into v_stopped, v_rules, v_in_the_way
      from (
        select array_agg(slip_id order by place) as ids, array_agg(account order by place) as accounts,
          array_agg(counterparty order by place) as counterparties, array_agg(gate order by place) as gates
        from unnest(p_slip_ids, p_accounts, p_counterparties, p_gates) with ordinality
          as s(slip_id, account, counterparty, gate, place)
        where slip_id = any(v_made)
      ) as s, pass_gates(s.ids, s.accounts, s.counterparties, s.gates, p_known_only) as g;
    if cardinality(v_stopped) > 0 then
      delete from slip where slip_id = any(v_stopped);
      v_made := array(select unnest(v_made) except select unnest(v_stopped));
    end if;
  end if;
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
      where (r.slip_id is null or r.slip_id <> all(v_made || v_stopped)) and (i.slip_id is not null or s.slip_id is not null);
  end if;
  if cardinality(v_stopped) > 0 then
    return query
      select s.place, g.rule, g.first_slip_id, null::bytea, null::int, null::bigint, null::timestamptz
      from unnest(v_stopped, v_rules, v_in_the_way) as g(slip_id, rule, first_slip_id)
        join unnest(p_slip_ids) with ordinality as s(slip_id, place) using (slip_id);
  end if;
  return query select 0::bigint, 'done', null::uuid, null::bytea, null::int, null::bigint, clock_timestamp();
end $$;

-- As it was, through the gates; a draft passes none, and brings no account.
drop function submit_waiting_slips;
create function submit_waiting_slips(
  p_callers text[], p_operations text[], p_keys text[], p_digests bytea[], p_references text[], p_slip_ids uuid[],
  p_partitions int[], p_bodies bytea[], p_topic text, p_clock text, p_judged_at timestamptz, p_lock_timeout text,
  p_waits jsonb[], p_review_bodies bytea[],
  p_accounts text[] default null, p_counterparties text[] default null, p_gates jsonb[] default null,
  p_known_only boolean default false
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
      p_topic, p_clock, p_judged_at, p_lock_timeout, p_accounts, p_counterparties, p_gates, p_known_only)
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

-- As it was; a change that brings an account submits its slip, and is made only if it passes the gates. Of those that are
-- stopped it gives the rule and the slip that is in the way. Accounts are locked behind slips and before numbers.
drop function change_slips;
create function change_slips(
  p_slip_ids uuid[], p_versions int[], p_statuses text[], p_new_reviews jsonb[], p_progress jsonb[],
  p_callers text[], p_operations text[], p_keys text[], p_digests bytea[],
  p_event_places int[], p_event_partitions int[], p_event_bodies bytea[], p_topic text,
  p_accounts text[] default null, p_counterparties text[] default null, p_gates jsonb[] default null,
  p_known_only boolean default false
) returns table (
  slip_id uuid, event_partition int, event_seq bigint, event_at timestamptz, rule text, first_slip_id uuid
) language plpgsql as $$
#variable_conflict use_column
declare
  v_changed bigint[];
  v_stopped uuid[];
  v_rules text[];
  v_in_the_way uuid[];
  v_partitions int[];
  v_firsts bigint[];
  v_times timestamptz[];
begin
  perform from slip where slip_id = any(p_slip_ids) order by slip_id for update;
  select coalesce(array_agg(g.slip_id), '{}'), array_agg(g.rule), array_agg(g.first_slip_id)
    into v_stopped, v_rules, v_in_the_way
    from (
      select array_agg(c.slip_id order by c.place) as ids, array_agg(c.account order by c.place) as accounts,
        array_agg(c.counterparty order by c.place) as counterparties, array_agg(c.gate order by c.place) as gates
      from unnest(p_slip_ids, p_versions, p_accounts, p_counterparties, p_gates) with ordinality
          as c(slip_id, version, account, counterparty, gate, place)
        join slip s using (slip_id)
      where c.account is not null and s.version = c.version
    ) as c, pass_gates(c.ids, c.accounts, c.counterparties, c.gates, p_known_only) as g
    where c.ids is not null;
  return query select s.slip_id, null::int, null::bigint, null::timestamptz, s.rule, s.first_slip_id
    from unnest(v_stopped, v_rules, v_in_the_way) as s(slip_id, rule, first_slip_id);
  with changed as (
    update slip s set status = c.status, version = s.version + c.events
      from (
        select c.*, (select count(*) from unnest(p_event_places) as e(place) where e.place = c.place) as events
        from unnest(p_slip_ids, p_versions, p_statuses) with ordinality as c(slip_id, version, status, place)
      ) as c
      where s.slip_id = c.slip_id and s.version = c.version and s.slip_id <> all(v_stopped)
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
    select p_slip_ids[l.place], l.partition, l.seq, l.at, null::text, null::uuid from last l;
end $$;
