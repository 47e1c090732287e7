-- What people filter cases by, beside what they saw already. `version` counts what they could see change: the ETag.
alter table case_file
  add column partition int,
  add column version int not null default 1,
  add column reason_codes text[] not null default '{}',
  add column assignee text,
  add column escalated_at timestamptz;
update case_file c set
  reason_codes = array(select r ->> 'reason' from json_array_elements(c.reasons) as r),
  partition = coalesce(
    (select o.partition from open_slip o where o.slip_id = c.slip_id),
    (select a.partition from archived_slip a where a.slip_id = c.slip_id));
create index case_file_open on case_file (opened_at) where status = 'open';
create index case_file_to_escalate on case_file (partition, opened_at) where status = 'open' and escalated_at is null;

-- One action on many cases: the list is fixed here, each of its cases is a row of `case_action`.
create table case_bulk (
  bulk_id uuid primary key,
  action text not null,
  details json not null,
  asked_by text not null,
  reason text not null,
  request_key text not null,
  digest bytea not null,
  asked_at timestamptz not null default clock_timestamp(),
  size int not null,
  unique (asked_by, request_key)
);

-- What people want done about a case. Whoever owns the slip's partition does what is `waiting`; nothing is ever deleted.
create table case_action (
  action_id uuid primary key,
  bulk_id uuid references case_bulk,
  slip_id text not null,
  partition int not null,
  action text not null check (action in ('inquire', 'refund', 'release', 'note', 'assign', 'close')),
  details json not null,
  asked_by text not null,
  reason text not null,
  -- Of the request; null: it is of a bulk, which has the key.
  request_key text,
  digest bytea,
  if_version int,
  asked_at timestamptz not null default clock_timestamp(),
  status text not null default 'waiting' check (status in ('waiting', 'proposed', 'done', 'declined', 'refused')),
  -- The second person's.
  decision text check (decision in ('approve', 'decline')),
  decided_by text,
  decision_note text,
  decided_at timestamptz,
  -- What was published, or why nothing was.
  result json,
  finished_at timestamptz,
  unique (asked_by, request_key),
  check ((request_key is null) = (bulk_id is not null)),
  check ((decision is null) = (decided_by is null) and (decision is null) = (decided_at is null)),
  -- Whoever proposes a refund does not decide about it, and no refund by hand is done without somebody else's approval.
  check (decided_by <> asked_by),
  check (decision is null or action = 'refund'),
  check (status <> 'proposed' or action = 'refund'),
  check (not (action = 'refund' and status = 'done') or decision is not distinct from 'approve'),
  check ((status in ('done', 'declined', 'refused')) = (finished_at is not null))
);
create index case_action_waiting on case_action (partition, asked_at) where status = 'waiting';
create index case_action_of_slip on case_action (slip_id, asked_at);
create index case_action_of_bulk on case_action (bulk_id, action_id) where bulk_id is not null;
create index case_action_newest on case_action (asked_at desc, action_id desc);
-- A slip's refund is proposed once at a time.
create unique index case_action_proposed on case_action (slip_id)
  where status = 'proposed' or (status = 'waiting' and decision is not null);
