-- Whether the books of a ledger's database hold, told by SQL alone: no code of the service has a part in it.
--
--     psql "$DATABASE_URL" -f services/ledger/sql/check.sql
--
-- No rows: all of it holds. Else one row for each invariant that is broken: the first thing that breaks it, how, and how many
-- there are. One statement, so everything is of one moment; it reads the tables whole and may run beside a service at work.
with
-- Debits below zero. In numeric: a debit of two amounts need not fit into what each of them fits into.
line as (
  select e.slip_id, e.n, p.place, p.account_id, p.change
    from entry e, lateral (values (1, e.debit, -(e.amount::numeric + coalesce(e.rest, 0))), (2, e.credit, e.amount::numeric),
      (3, e.rest_credit, e.rest::numeric)) as p(place, account_id, change)
    where p.account_id is not null
),
-- What was decided about the money of a slip, as it stands now, and on which terms.
hold as (
  select s.id, s.hold_status as status, coalesce(r.hold_terms::json ->> 'clock', s.clock) as clock,
         coalesce(r.hold_terms::json ->> 'account', s.account) as account,
         case when r.hold_terms is null then s.amount else (r.hold_terms::json ->> 'amount')::numeric end as amount,
         case when r.hold_terms is null then s.currency else r.hold_terms::json ->> 'currency' end as currency,
         (r.hold_terms::json ->> 'executed')::numeric as executed
    from slip_now s join slip r on r.id = s.id where s.hold_status is not null
),
-- The entries of a slip, counted.
money as (
  select e.slip_id, count(*) as entries, min(e.n) as first, max(e.n) as last, count(distinct e.n) as numbers,
         count(*) filter (where e.type = 'hold') as holds, count(*) filter (where e.type = 'refund') as refunds,
         count(*) filter (where e.type = 'settle') as settlements,
         count(*) filter (where e.type = 'compensate') as compensations,
         max(e.amount) filter (where e.n = 1) as held,
         max(e.amount::numeric + coalesce(e.rest, 0)) filter (where e.n = 2) as used,
         bool_or(e.type = 'hold') filter (where e.n = 1) as begins,
         bool_or(e.type in ('settle', 'refund')) filter (where e.n = 2) as ends,
         sum(e.amount) filter (where e.type = 'compensate' and c.kind = 'available' and d.kind in ('receivable', 'suspense')) as back,
         sum(e.amount) filter (where e.type = 'settle' and (e.n > 2 or e.rest is not null or c.kind <> 'available')) as settled,
         (array_agg(c.kind order by e.n desc) filter (where e.type = 'compensate'))[1] as last_credit,
         (array_agg(d.kind order by e.n desc) filter (where e.type = 'compensate'))[1] as last_debit
    from entry e left join account c on c.id = e.credit left join account d on d.id = e.debit group by e.slip_id
),
-- What the entries say became of the hold.
told as (
  select slip_id, back, coalesce(settled, held) as settled, case
      when last_debit = 'losses' then 'written_off'
      when refunds > 0 then case when compensations > 0 then 'compensated' else 'refunded' end
      when settlements > 0 then case when compensations = 0 then 'settled' when last_credit = 'suspense' then 'reversed'
        when last_credit = 'receivable' then 'upheld' else 'restored' end
      else 'held' end as status
    from money
),
logged as (
  select slip_id, count(*) as events, min(version) as first, max(version) as last, count(distinct partition) as partitions
    from event_log group by slip_id
),
broken(invariant, subject, detail) as (
  select 'the postings of a transaction sum to zero in its clock and currency', l.slip_id || ' ' || l.n,
         format('%s %s: %s', a.clock, a.currency, sum(l.change))
    from line l left join account a on a.id = l.account_id
    group by l.slip_id, l.n, a.clock, a.currency having sum(l.change) <> 0
  union all
  select 'a posting belongs to an account', l.slip_id || ' ' || l.n, 'account ' || l.account_id
    from line l where not exists (select from account a where a.id = l.account_id)
  union all
  select 'a balance is the fold of its postings', concat_ws(' ', a.clock, a.owner, a.kind, a.currency, a.partition),
         format('%s, folded %s', a.balance, coalesce(f.total, 0))
    from account a left join (select account_id, sum(change) as total from line group by account_id) as f on f.account_id = a.id
    where a.balance <> coalesce(f.total, 0)
  union all
  select 'the balances of a clock and currency sum to zero', concat_ws(' ', clock, currency), sum(balance)::text
    from account group by clock, currency having sum(balance) <> 0
  union all
  select 'an account is one row for each partition', concat_ws(' ', clock, owner, kind, currency, partition), count(*)::text
    from account group by clock, owner, kind, currency, partition having count(*) > 1
  union all
  select 'an account that may not be overdrawn is not below zero', concat_ws(' ', clock, owner, kind, currency), sum(balance)::text
    from account where kind in ('held', 'suspense', 'settlement', 'fees') group by clock, owner, kind, currency having sum(balance) < 0
  union all
  select 'what is held is what open holds say', concat_ws(' ', clock, account, currency),
         format('%s, open holds %s', coalesce(b.balance, 0), coalesce(h.amount, 0))
    from (select clock, owner as account, currency, sum(balance) as balance from account where kind = 'held' group by 1, 2, 3) as b
    full join (select clock, account, currency, sum(amount) as amount from hold where status = 'held' and amount is not null group by 1, 2, 3) as h
      using (clock, account, currency)
    where coalesce(b.balance, 0) <> coalesce(h.amount, 0)
  union all
  select 'what lies in suspense is what reversed holds say', concat_ws(' ', clock, account, currency),
         format('%s, reversed holds %s', coalesce(b.balance, 0), coalesce(h.amount, 0))
    from (select clock, owner as account, currency, sum(balance) as balance from account where kind = 'suspense' group by 1, 2, 3) as b
    full join (select clock, account, currency, sum(coalesce(executed, amount)) as amount from hold
        where status = 'reversed' and amount is not null group by 1, 2, 3) as h
      using (clock, account, currency)
    where coalesce(b.balance, 0) <> coalesce(h.amount, 0)
  union all
  select 'the entries of a slip are numbered without gaps', slip_id, format('%s entries, the last is %s', entries, last)
    from money where first <> 1 or last <> entries or numbers <> entries
  union all
  select 'a slip has one hold and one outcome: settled or refunded', slip_id,
         format('%s holds, %s settlements, %s refunds', holds, settlements, refunds)
    from money
    where holds <> 1 or begins is distinct from true or ends is false or refunds > 1 or (refunds = 1 and settlements > 0)
       or (compensations > 0 and refunds + settlements = 0)
  union all
  select 'a transaction is booked once', id::text, count(*) || ' entries' from entry group by id having count(*) > 1
  union all
  select 'an end uses up the hold', slip_id, format('held %s, used %s', held, used) from money where used <> held
  union all
  select 'no more is settled than was held', slip_id, format('held %s, settled %s', held, settled) from money where settled > held
  union all
  select 'an entry belongs to a slip and its partition', e.slip_id || ' ' || e.n, format('accounts %s and %s', e.debit, e.credit)
    from entry e left join slip s on s.id = e.slip_id
    where s.id is null or exists (
      select from account a where a.id in (e.debit, e.credit, e.rest_credit) and a.partition <> s.partition)
  union all
  select 'a hold stands where its entries say', h.id, format('%s, entries say %s', h.status, coalesce(t.status, 'nothing'))
    from hold h left join told t on t.slip_id = h.id
    where case
      when t.status is null then h.amount is not null and h.status <> 'refused'
      -- A part of it came back, and the rest stands.
      when t.status = 'restored' and h.executed > 0 and t.back + h.executed = t.settled then h.status not in ('settled', 'upheld')
      when h.executed = 0 and t.status = 'settled' then h.status not in ('settled', 'reversed', 'restored', 'upheld', 'written_off')
      when h.executed = 0 and t.status = 'refunded' then h.status not in ('refunded', 'compensated', 'written_off')
      else h.status <> t.status end
  union all
  select 'a slip with entries has a hold', m.slip_id, m.entries || ' entries'
    from money m where not exists (select from hold h where h.id = m.slip_id)
  union all
  select 'a slip counts its entries', s.id, format('%s, there are %s', s.entries, coalesce(m.entries, 0))
    from slip s left join money m on m.slip_id = s.id
    where s.entries <> coalesce(m.entries, 0) and not (s.entries = 1 and m.entries = 2 and m.settlements = 1)
  union all
  select 'the events of a slip are numbered without gaps', slip_id, format('%s events, the last is %s', events, last)
    from logged where first <> 1 or last <> events
  union all
  select 'the events of a slip lie in one partition, in order', e.slip_id, format('version %s at %s:%s', e.version, e.partition, e.kafka_offset)
    from (select slip_id, version, partition, kafka_offset, lag(kafka_offset) over w as before, lag(partition) over w as was
            from event_log window w as (partition by slip_id order by version)) as e
    where e.before >= e.kafka_offset or e.was <> e.partition
  union all
  select 'an event belongs to a slip', l.slip_id, l.events || ' events'
    from logged l where not exists (select from slip s where s.id = l.slip_id)
  union all
  select 'a slip stands at one of its events', s.id, format('version %s at %s:%s', s.version, s.partition, s.position)
    from slip s where not exists (
      select from event_log e where e.slip_id = s.id and e.version = s.version and e.kafka_offset = s.position
        and e.partition = s.partition and e.chain = s.chain)
  union all
  select 'the log ends where the topic was read to', e.partition::text, format('offset %s, read to %s', max(e.kafka_offset), min(p.next_offset))
    from event_log e join consumer_position p
      on p.consumer_group = 'ledger' and p.topic = 'slips.events.v1' and p.partition = e.partition
    group by e.partition having max(e.kafka_offset) >= min(p.next_offset)
)
select distinct on (invariant) invariant, subject, detail, count(*) over (partition by invariant)::int as violations
  from broken order by invariant, subject;
