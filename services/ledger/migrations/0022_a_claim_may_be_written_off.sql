-- What is claimed from a provider and never comes is a loss of the house, by the word of two people.
alter table account drop constraint account_kind_check,
  add constraint account_kind_check
    check (kind in ('available', 'held', 'suspense', 'settlement', 'receivable', 'fees', 'costs', 'losses'));
drop index account_of_rare_kind;
create index account_of_rare_kind on account (kind, owner, clock, currency)
  where kind in ('suspense', 'settlement', 'receivable', 'fees', 'costs', 'losses');

alter table suspense_decision drop constraint suspense_decision_decision_check,
  add constraint suspense_decision_decision_check check (decision in ('give_back', 'uphold', 'write_off'));

alter table slip drop constraint slip_hold_status_check,
  add constraint slip_hold_status_check check (
    hold_status in ('held', 'refused', 'settled', 'refunded', 'compensated', 'reversed', 'restored', 'upheld', 'written_off'));
drop trigger slip_hold_transition on slip;
-- After and not before: only rows that break the rule cost anything. One batch may go several steps.
create trigger slip_hold_transition after update on slip for each row
  when (old.hold_status is distinct from new.hold_status and old.hold_status is not null
    and not (old.hold_status = 'held'
        and coalesce(new.hold_status, '') in ('settled', 'refunded', 'compensated', 'reversed', 'restored', 'upheld', 'written_off')
      or old.hold_status = 'refunded' and coalesce(new.hold_status, '') in ('compensated', 'written_off')
      or old.hold_status = 'settled' and coalesce(new.hold_status, '') in ('reversed', 'restored', 'upheld', 'written_off')
      or old.hold_status = 'reversed' and coalesce(new.hold_status, '') in ('restored', 'upheld', 'written_off')
      or old.hold_status = 'upheld' and coalesce(new.hold_status, '') in ('restored', 'written_off')
      or old.hold_status in ('restored', 'compensated') and coalesce(new.hold_status, '') = 'written_off'))
  execute function refuse_hold_change();
