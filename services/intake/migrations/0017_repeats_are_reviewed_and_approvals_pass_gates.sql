-- The slip of the same business that a reviewed one repeats.
alter table review add column first_slip_id uuid;

-- Locks the accounts that windows are about until the transaction ends, in ascending order.
create function lock_accounts(p_accounts text[], p_gates jsonb[]) returns void language plpgsql as $$
begin
  if not exists (select from unnest(p_gates) as g(gate) where gate is not null) then return; end if;
  perform pg_advisory_xact_lock(a.lock) from (
    select distinct hashtextextended(g.account, 0) as lock
    from unnest(p_accounts, p_gates) as g(account, gate) where g.gate is not null order by 1
  ) as a;
end $$;

-- As it was; and a slip that went through before ('again') is not in its own way, and counts from now on.
create or replace function pass_gates(
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

  perform lock_accounts(p_accounts, p_gates);
  v_now := clock_timestamp();
  for v_slip in
    select g.* from unnest(p_slip_ids, p_accounts, p_gates) with ordinality as g(slip_id, account, gate, place)
    where g.gate is not null and g.slip_id <> all(v_stopped) order by g.place
  loop
    v_rule := null;
    select r.slip_id into v_first from recent_slip r
      where r.account = v_slip.account and r.business = v_slip.gate ->> 'business' and r.slip_id <> v_slip.slip_id
        -- One that people were asked about as a repeat of this one is not in this one's way.
        and not exists (select from review v where v.slip_id = r.slip_id and v.first_slip_id = v_slip.slip_id)
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
              and r.slip_id <> v_slip.slip_id
          ) as used
        where used.total + l.adds > l.most
        order by l.key limit 1;
    end if;
    if v_rule is null then
      if (v_slip.gate ->> 'again')::boolean then
        delete from recent_slip r where r.account = v_slip.account and r.slip_id = v_slip.slip_id;
      end if;
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

-- What `pass_gates` would say of slips that come now, by their places from 1; writes nothing, and keeps no account locked. A slip
-- that is in the way and is itself only asked about has no name.
create function ask_gates(p_accounts text[], p_counterparties text[], p_gates jsonb[], p_known_only boolean)
  returns table (place bigint, rule text, first_slip_id uuid) language plpgsql as $$
#variable_conflict use_column
declare
  v_asked uuid[] := array(select gen_random_uuid() from unnest(p_accounts));
  v_stopped uuid[];
  v_rules text[];
  v_firsts uuid[];
begin
  begin
    select array_agg(g.slip_id), array_agg(g.rule), array_agg(g.first_slip_id) into v_stopped, v_rules, v_firsts
      from pass_gates(v_asked, p_accounts, p_counterparties, p_gates, p_known_only) as g;
    raise exception using errcode = 'SS001', message = 'only asked';
  exception when sqlstate 'SS001' then null;
  end;
  return query
    select a.place, s.rule, case when s.first_slip_id = any(v_asked) then null else s.first_slip_id end
    from unnest(v_stopped, v_rules, v_firsts) as s(slip_id, rule, first_slip_id)
      join unnest(v_asked) with ordinality as a(slip_id, place) using (slip_id);
end $$;

-- What people declined or its caller took back moves nothing: it counts for nothing, and nothing repeats it.
create function review_counts_for_nothing() returns trigger language plpgsql as $$
begin
  delete from recent_slip where account = new.account and slip_id = new.slip_id;
  return null;
end $$;
create trigger review_counts_for_nothing after update on review
  for each row when (new.status in ('declined', 'withdrawn')) execute function review_counts_for_nothing();
