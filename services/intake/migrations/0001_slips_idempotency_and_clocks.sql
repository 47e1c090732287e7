-- Every slip intake has named. The reference belongs to its caller for ever, whatever became of the slip.
create table slip (
  slip_id uuid primary key,
  caller text not null,
  reference text not null,
  clock text not null,
  -- SHA-256 of what was submitted.
  digest bytea not null,
  status text not null check (status in ('submitted', 'rejected')),
  created_at timestamptz not null,
  constraint slip_reference_of_caller unique (caller, reference)
);

-- The answers given to keyed requests; only acceptances are kept, so a corrected request may use its key again.
-- slip_id and the position make up the whole answer: the rest of it is in the repeated request.
create table idempotency (
  caller text not null,
  operation text not null,
  key text not null,
  digest bytea not null,
  slip_id uuid not null unique,
  -- Number and time of the slip's event; null only inside the transaction that makes the row.
  event_partition int,
  event_seq bigint,
  event_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  primary key (caller, operation, key)
) with (fillfactor = 80);

-- The event's number and time are given by the transaction's last statement (ARCHITECTURE rule 4), so the answer learns
-- them from the outbox, in the same commit. Without seqscans: the plan is kept while the table grows.
create function answer_learns_its_position() returns trigger language plpgsql set enable_seqscan = off as $$
begin
  update idempotency set event_partition = new.partition, event_seq = new.seq, event_at = new.at
    where slip_id = new.key::uuid;
  return null;
end $$;
create trigger answer_learns_its_position after insert on outbox
  for each row when (new.topic = 'slips.events.v1') execute function answer_learns_its_position();

-- References refused because they are bound to another clock, so that a repeated import says it once.
create table clock_conflict (
  caller text not null,
  reference text not null,
  clock text not null,
  primary key (caller, reference, clock)
);

-- How far each import's clock was advanced on each partition of the inbound topic (ARCHITECTURE section 8).
create table clock_mark (
  clock text not null,
  topic text not null,
  partition int not null,
  time timestamptz not null,
  closed boolean not null,
  primary key (clock, topic, partition)
);
