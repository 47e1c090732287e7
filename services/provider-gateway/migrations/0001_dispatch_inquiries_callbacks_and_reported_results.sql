-- One row per slip: what this service knows of it and has done about it. `attempt`, `not_after` and `lease_until` are the
-- write-ahead intent (rule 1); `sent_maybe` is true once any attempt may have left, and no other attempt is made then.
create table dispatch (
  slip_id text primary key,
  partition int not null,
  clock text not null,
  caller text not null,
  reference text not null,
  kind text not null,
  account text not null,
  counterparty text not null,
  amount bigint,
  currency text,
  route text not null,
  mode text not null,
  provider text,
  deadline timestamptz not null,
  policy jsonb not null,
  traceparent text not null,
  status text not null,
  attempt int not null,
  not_after timestamptz,
  owner text,
  lease_until timestamptz,
  next_at timestamptz,
  sent_maybe boolean not null,
  acknowledged boolean not null,
  last_step text,
  outcome text,
  evidence text,
  provider_reference text,
  first_not_found_at timestamptz,
  closed_for_dispatch boolean not null,
  refunded boolean not null,
  late_success jsonb,
  seen_results text[] not null
) with (fillfactor = 70);
create index dispatch_by_reference on dispatch (caller, reference);
create index dispatch_due on dispatch (provider, next_at) where status = 'held' and next_at is not null;
create index dispatch_intended on dispatch (lease_until) where status = 'intended';
create index dispatch_open on dispatch (provider, status)
  where status in ('submitted', 'held', 'intended', 'unanswered', 'answered') and not closed_for_dispatch and clock = 'wall';

-- A question to be asked, or asked, about a slip. n = 0 is this service's own; others were asked for by InquiryRequested.
create table inquiry (
  slip_id text not null,
  n int not null,
  provider text not null,
  status text not null,
  due_at timestamptz not null,
  asked_at timestamptz,
  lease_until timestamptz,
  primary key (slip_id, n)
) with (fillfactor = 70);
create index inquiry_due on inquiry (provider, due_at) where status = 'due';
create index inquiry_asking on inquiry (lease_until) where status = 'asking';

-- Every callback with a good signature, once per webhook id, byte for byte, and what came of it.
create table callback (
  provider text not null,
  webhook_id text not null,
  slip_id text not null,
  received_at timestamptz not null,
  body bytea not null,
  handled text not null,
  primary key (provider, webhook_id)
);
create index callback_by_slip on callback (slip_id);

-- Reported results that wait for their slip to be known and held; `orphan_at` is set when no such slip can come any more.
create table parked_result (
  caller text not null,
  result_id text not null,
  reference text not null,
  clock text not null,
  received_at timestamptz not null,
  position bigint not null,
  data jsonb not null,
  orphan_at timestamptz,
  primary key (caller, result_id)
);
create index parked_result_by_reference on parked_result (caller, reference) where orphan_at is null;
create index parked_result_oldest on parked_result (clock, received_at) where orphan_at is null;

-- How far each clock has come on each partition of an inbound topic (AdvanceClock).
create table clock_mark (
  clock text not null,
  topic text not null,
  partition int not null,
  time timestamptz not null,
  closed boolean not null,
  primary key (clock, topic, partition)
);
