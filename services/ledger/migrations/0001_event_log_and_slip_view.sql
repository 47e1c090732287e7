-- Rule 8: every event exactly as Kafka has it. `version` counts a slip's events in partition order; `chain` is
-- SHA-256(chain before ‖ bytes) per slip, the first one over the bytes alone.
create table event_log (
  partition int not null,
  kafka_offset bigint not null,
  source text collate "C" not null,
  seq bigint not null,
  event_id text collate "C" not null,
  type text collate "C" not null,
  slip_id text collate "C" not null,
  clock text collate "C" not null,
  version bigint not null check (version > 0),
  at timestamptz not null,
  received_at timestamptz not null,
  bytes bytea not null,
  chain bytea not null check (octet_length(chain) = 32),
  primary key (partition, kafka_offset)
);
-- Rule 4's number names an event once; this is also what waits for a position look up.
create unique index event_log_by_sequence on event_log (source, partition, seq);
create unique index event_log_by_slip on event_log (slip_id, version);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, lower(tg_op) using errcode = 'integrity_constraint_violation';
end $$;

create trigger event_log_append_only before update or delete or truncate on event_log
  for each statement execute function refuse_change();

-- What the events of a slip add up to: a cache of the log that can be folded again. `listed_at` is when it was
-- submitted, or the time of its first event when it never was. `position` is the offset of the last event folded.
create table slip (
  id text collate "C" primary key,
  partition int not null,
  clock text collate "C" not null,
  reference text collate "C",
  account text collate "C",
  counterparty text collate "C",
  provider text collate "C",
  kind text collate "C",
  status text collate "C" not null,
  outcome text collate "C",
  cause_class text collate "C",
  cause_code text collate "C",
  amount numeric(38, 0),
  currency text collate "C",
  listed_at timestamptz not null,
  deadline timestamptz,
  overdue boolean not null,
  version bigint not null,
  position bigint not null,
  state text not null,
  chain bytea not null
) with (fillfactor = 60);
-- Only columns that hardly ever change are indexed, so that most updates touch no index.
create index slip_by_time on slip (clock, listed_at, id);
create index slip_by_reference on slip (reference);
create index slip_by_account on slip (account, listed_at);
create index slip_not_returned on slip (clock) where overdue and outcome is null;
