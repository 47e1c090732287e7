-- The row of a slip that returned may wait for the slip's last event as well: that its hold was settled is told by its second
-- entry until then, and that it succeeded with it.
create or replace view slip_now as
  select s.id, s.clock, s.partition, coalesce(e.status, s.status) as status, coalesce(e.version, s.version) as version,
         coalesce(e.kafka_offset, s.position) as position, s.reference, s.account, s.counterparty, s.provider, s.kind,
         case when x.n is null then s.outcome else 'succeeded' end as outcome, s.amount, s.currency, s.listed_at, s.deadline,
         s.overdue, case when x.n is null then s.hold_status else 'settled' end as hold_status
    from slip s left join lateral (
      select l.status, l.version, l.kafka_offset from event_log l where l.slip_id = s.id and l.version > s.version
        order by l.version desc limit 1) as e on true
    left join entry x on s.entries = 1 and x.slip_id = s.id and x.n = 2 and x.type = 'settle';
comment on column slip.status is 'until the slip has ended its last event in event_log says more: see slip_now';
comment on column slip.hold_status is 'held, and settled by the second entry of the slip where entries is still 1: see slip_now';
