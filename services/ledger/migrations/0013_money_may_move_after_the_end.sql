-- What a provider denies after it was settled is claimed from it and put aside for the payer. What it charges is between it and
-- the house.
alter table account drop constraint account_kind_check,
  add constraint account_kind_check
    check (kind in ('available', 'held', 'suspense', 'settlement', 'receivable', 'fees', 'costs'));

-- A hold may be settled in parts: the second entry ends it (settled or refunded), and what is settled after that follows a
-- settlement, never a refund.
alter table entry drop constraint entry_settled_xor_refunded,
  add constraint entry_settled_xor_refunded
    check (case when n = 2 then type in ('settle', 'refund') else type <> 'refund' end),
  drop constraint entry_type,
  add constraint entry_type check (type in ('hold', 'settle', 'refund', 'compensate', 'fee'));

create or replace function check_entries() returns trigger language plpgsql
  set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  if exists (
    select from added e
      left join account d on d.id = e.debit
      left join account c on c.id = e.credit
      left join account r on r.id = e.rest_credit
      where (c.clock, c.currency) is distinct from (d.clock, d.currency)
         or d.id is null or c.id is null
         or (e.rest_credit is not null and (r.clock, r.currency) is distinct from (d.clock, d.currency))
  ) then
    raise exception 'an entry moves money between clocks, currencies or accounts that are not there'
      using errcode = 'check_violation';
  end if;
  if exists (
    select from added e where e.n > 2 and e.type = 'settle' and not exists (
      select from entry s where s.slip_id = e.slip_id and s.n = 2 and s.type = 'settle')
  ) then
    raise exception 'a slip is settled in parts that was not settled' using errcode = 'check_violation';
  end if;
  return null;
end $$;

alter table slip drop constraint slip_hold_status_check,
  add constraint slip_hold_status_check
    check (hold_status in ('held', 'refused', 'settled', 'refunded', 'compensated', 'reversed', 'restored'));
drop trigger slip_hold_transition on slip;
-- After and not before: only rows that break the rule cost anything. One batch may go several steps.
create trigger slip_hold_transition after update on slip for each row
  when (old.hold_status is distinct from new.hold_status and old.hold_status is not null
    and not (old.hold_status = 'held'
        and coalesce(new.hold_status, '') in ('settled', 'refunded', 'compensated', 'reversed', 'restored')
      or old.hold_status = 'refunded' and coalesce(new.hold_status, '') = 'compensated'
      or old.hold_status = 'settled' and coalesce(new.hold_status, '') in ('reversed', 'restored')
      or old.hold_status = 'reversed' and coalesce(new.hold_status, '') = 'restored'))
  execute function refuse_hold_change();

-- What was executed of a hold stands with its terms where it was not all of it.
comment on column slip.hold_terms is
  'of the hold, where they are not those of the slip, or where less than all was executed of it (executed, references)';
update slip s set hold_terms = json_build_object(
      'clock', coalesce(t.terms ->> 'clock', s.clock), 'kind', coalesce(t.terms ->> 'kind', s.kind),
      'account', coalesce(t.terms ->> 'account', s.account),
      'counterparty', coalesce(t.terms ->> 'counterparty', s.counterparty),
      'amount', t.amount::text, 'currency', coalesce(t.terms ->> 'currency', s.currency),
      'executed', t.executed::text, 'references', json_build_array())::text
  from (
    select o.id, o.hold_terms::json as terms, coalesce((o.hold_terms::json ->> 'amount')::numeric, o.amount) as amount,
           case when c.kind = 'settlement' or coalesce(o.hold_terms::json ->> 'kind', o.kind) = 'payment'
               and c.owner = coalesce(o.hold_terms::json ->> 'counterparty', o.counterparty)
             then e.amount else 0 end as executed
      from slip o join entry e on e.slip_id = o.id and e.type in ('settle', 'compensate')
        join account c on c.id = e.credit
  ) as t
  where t.id = s.id and t.executed <> t.amount;
