-- What people decided about money in suspense. Whoever proposes does not approve, money is decided about once, and what was decided stays.
create table suspense_decision (
  decision_id uuid primary key,
  slip_id text collate "C" not null,
  decision text collate "C" not null check (decision in ('give_back', 'uphold')),
  reason text not null,
  proposed_by text collate "C" not null,
  proposed_at timestamptz not null default clock_timestamp(),
  -- Of the request: the same again gets the same answer.
  request_key text collate "C" not null,
  digest bytea not null,
  status text collate "C" not null default 'proposed' check (status in ('proposed', 'approved', 'declined')),
  -- The second person's.
  decided_by text collate "C",
  note text,
  decided_at timestamptz,
  -- Of what is booked for it, in the order of the log.
  transaction_id uuid,
  unique (proposed_by, request_key),
  check (decided_by <> proposed_by),
  check ((status = 'proposed') = (decided_by is null)),
  check ((decided_by is null) = (note is null) and (decided_by is null) = (decided_at is null)),
  check ((status = 'approved') = (transaction_id is not null))
);
create unique index suspense_decision_once on suspense_decision (slip_id) where status <> 'declined';
create index suspense_decision_newest on suspense_decision (proposed_at, decision_id);
create index suspense_decision_of_slip on suspense_decision (slip_id, proposed_at, decision_id);

create function refuse_decided() returns trigger language plpgsql as $$
begin
  raise exception 'decision % was made: % refused', old.decision_id, lower(tg_op) using errcode = 'integrity_constraint_violation';
end $$;
create trigger suspense_decision_stays before update or delete on suspense_decision for each row
  when (old.status <> 'proposed') execute function refuse_decided();

-- A settlement that was denied stands after all, or what lies in suspense for it is the payer's.
alter table slip drop constraint slip_hold_status_check,
  add constraint slip_hold_status_check
    check (hold_status in ('held', 'refused', 'settled', 'refunded', 'compensated', 'reversed', 'restored', 'upheld'));
drop trigger slip_hold_transition on slip;
-- After and not before: only rows that break the rule cost anything. One batch may go several steps.
create trigger slip_hold_transition after update on slip for each row
  when (old.hold_status is distinct from new.hold_status and old.hold_status is not null
    and not (old.hold_status = 'held'
        and coalesce(new.hold_status, '') in ('settled', 'refunded', 'compensated', 'reversed', 'restored', 'upheld')
      or old.hold_status = 'refunded' and coalesce(new.hold_status, '') = 'compensated'
      or old.hold_status = 'settled' and coalesce(new.hold_status, '') in ('reversed', 'restored', 'upheld')
      or old.hold_status = 'reversed' and coalesce(new.hold_status, '') in ('restored', 'upheld')
      or old.hold_status = 'upheld' and coalesce(new.hold_status, '') = 'restored'))
  execute function refuse_hold_change();
