-- The status of the slip after the event, so that the slip's row need not be written at each of them: while a slip is under
-- way (submitted, held, dispatching, acknowledged) its row stands where something changed that lists ask for or that guards a
-- decision, and its last event says where it stands now. Null: of a release that wrote the row each time. An event that
-- waits to be read again (rule 9) changes no status, and the row is written then.
alter table event_log add column status text collate "C";
comment on column slip.status is 'while the slip is under way its last event in event_log says more: see slip_now';

-- Slips as they stand, for people: a row's version and status are those of the slip's last event.
create view slip_now as
  select s.id, s.clock, s.partition, coalesce(e.status, s.status) as status, coalesce(e.version, s.version) as version,
         coalesce(e.kafka_offset, s.position) as position, s.reference, s.account, s.counterparty, s.provider, s.kind, s.outcome,
         s.amount, s.currency, s.listed_at, s.deadline, s.overdue, s.hold_status
    from slip s left join lateral (
      select l.status, l.version, l.kafka_offset from event_log l where l.slip_id = s.id and l.version > s.version
        order by l.version desc limit 1) as e on true;
