-- What a provider's statement may name: a row per slip that one of the providers with statements was given, read from the log beside the
-- detector, in batches. Without `statements` in the rules nothing is written here.
create table booked_slip (
  slip_id text primary key,
  partition int not null,
  provider text,
  kind text not null,
  reference text not null,
  amount bigint,
  currency text,
  provider_reference text,
  outcome text,
  fee bigint,
  dispatched_on date,
  returned_on date,
  -- The event that told its outcome.
  returned_by text,
  -- What statements told of it, signed.
  paid bigint not null default 0,
  came_back bigint not null default 0
) with (fillfactor = 70);
create index booked_slip_reference on booked_slip (reference);
create index booked_slip_provider_reference on booked_slip (provider_reference) where provider_reference is not null;
create index booked_slip_unpaid on booked_slip (provider, returned_on) where outcome = 'succeeded' and paid = 0;

create table booked_through (
  partition int primary key,
  next_offset bigint not null
);

-- A file that was accepted: it adds up. `read_to` is what must be read of the log before its lines are matched.
create table statement (
  id uuid primary key,
  source text not null,
  provider text not null,
  format text not null,
  digest text not null,
  bytes int not null,
  accounts json not null,
  lines int not null,
  booked_from date,
  booked_to date,
  status text not null check (status in ('accepted', 'matched')),
  -- How far it is matched: lines by their number, then slips, then what is missing.
  phase text not null default 'lines' check (phase in ('lines', 'slips', 'missing')),
  after_n int not null default 0,
  after_slip text not null default '',
  read_to json not null,
  accepted_at timestamptz not null,
  accepted_by text not null,
  matched_at timestamptz,
  unique (source, digest)
);
create index statement_newest on statement (accepted_at desc, id desc);
create index statement_to_match on statement (accepted_at) where status = 'accepted';

create table statement_key (
  caller text not null,
  key text not null,
  digest text not null,
  statement_id uuid not null references statement,
  primary key (caller, key)
);

create table statement_line (
  statement_id uuid not null references statement,
  n int not null,
  line int not null,
  account int not null,
  kind text not null,
  amount bigint not null,
  gross bigint not null,
  currency text not null,
  booked_on date not null,
  named json not null,
  provider_reference text,
  outcome text,
  reason text,
  said text not null,
  -- Null: not looked for yet; empty: of none, or of several.
  slip_id text,
  -- What our books and fees explain of it.
  ours bigint not null default 0,
  fee bigint not null default 0,
  primary key (statement_id, n)
);
create index statement_line_of_slip on statement_line (statement_id, slip_id, n);

create table statement_break (
  id uuid primary key,
  kind text not null,
  statement_id uuid not null references statement,
  provider text not null,
  -- The line, and where it stands in the file.
  n int,
  line int,
  slip_id text,
  currency text not null,
  difference bigint not null,
  expected text not null,
  seen text not null,
  awaited text,
  -- The outcome of its slip that would close it.
  wanted text,
  status text not null check (status in ('open', 'acknowledged', 'snoozed', 'resolved')),
  opened_at timestamptz not null,
  snoozed_until timestamptz,
  resolved_at timestamptz,
  resolution text,
  resolved_by text,
  reason text
);
create index statement_break_newest on statement_break (opened_at desc, id desc);
create index statement_break_open on statement_break (slip_id) where status <> 'resolved';
create index statement_break_of_statement on statement_break (statement_id);
