-- A case has reasons, each resolved by itself: a JSON list of {reason, summary, openedAt, closedAt, resolution}.
alter table case_file add column reasons json not null default '[]';
update case_file set reasons = json_build_array(json_build_object(
  'reason', reason, 'summary', summary,
  'openedAt', to_char(opened_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'closedAt', to_char(closed_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'resolution', resolution));

-- Slips about which nothing is due, but a late word of the provider would matter: refunded, or with an open case.
-- Read by slip id alone.
create table archived_slip (
  slip_id text primary key,
  partition int not null,
  verdict text not null check (verdict in ('in_time', 'overdue')),
  state text not null,
  facts text not null
);

-- Written no more: what has ended leaves the table. The release before this one still writes it.
alter table open_slip alter column finished set default false;
with ended as (
  delete from open_slip where finished or (verdict <> 'open' and state::json ->> 'refunded' = 'true')
  returning slip_id, partition, clock, verdict, next_step, state, facts
)
insert into archived_slip (slip_id, partition, verdict, state, facts)
select slip_id, partition, verdict, state, facts from ended
 where clock = 'wall' and state::json ->> 'refunded' = 'true';
