-- A slip that is still watched: from SlipSubmitted until it has returned in time and its money has moved. Overdue ones
-- stay. `state` and `facts` are a cache of the log; the other columns are what the detector looks for.
create table open_slip (
  slip_id text primary key,
  partition int not null,
  clock text not null,
  deadline timestamptz not null,
  -- deadline + grace: judged when the watermark has reached it (rule 6).
  due_at timestamptz not null,
  verdict text not null check (verdict in ('open', 'in_time', 'overdue')),
  -- Neither held nor refused yet: the ledger's watermark counts too.
  awaits_hold boolean not null,
  next_step text check (next_step in ('inquire', 'conclude')),
  next_step_at timestamptz,
  -- Nothing more is expected; kept because it was overdue.
  finished boolean not null,
  state text not null,
  facts text not null,
  check ((next_step is null) = (next_step_at is null))
) with (fillfactor = 70);
create index open_slip_to_judge on open_slip (partition, clock, due_at) where verdict = 'open';
create index open_slip_next_step on open_slip (partition, next_step_at) where next_step_at is not null;
create index open_slip_imported on open_slip (clock, partition) where clock <> 'wall';

-- The latest case of a slip. Its history is in the events.
create table case_file (
  slip_id text primary key,
  status text not null check (status in ('open', 'closed')),
  reason text not null,
  summary text not null,
  opened_at timestamptz not null,
  provider text,
  cause_class text,
  cause_code text,
  cause json,
  resolution text,
  closed_at timestamptz,
  check ((status = 'closed') = (closed_at is not null))
);
create index case_file_newest on case_file (opened_at desc, slip_id desc);

-- How far each clock is judged on each partition, and what was counted there. Counts outlive the rows.
create table clock_progress (
  clock text not null,
  partition int not null,
  judged_through timestamptz not null default '-infinity',
  closed boolean not null default false,
  concluded boolean not null default false,
  slips bigint not null default 0,
  in_time bigint not null default 0,
  overdue bigint not null default 0,
  not_returned bigint not null default 0,
  primary key (clock, partition)
) with (fillfactor = 50);
