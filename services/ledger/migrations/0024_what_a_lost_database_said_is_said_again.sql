-- An older copy of this database folds its own events back (ADR 101). Partitions that do so now, and up to where they have events
-- of the ledger's own that it did not know.
create table folding (partition int primary key, end_offset bigint not null);

-- What the ledger had said there about cues that are read again: it stands, and is taken when its cue comes.
create table told_answer (
  partition int not null,
  kafka_offset bigint not null,
  slip_id text collate "C" not null,
  bytes bytea not null,
  primary key (partition, slip_id, kafka_offset)
);

-- Cues that it had said nothing about: they are decided when all that was said is known.
create table late_cue (
  partition int not null,
  kafka_offset bigint not null,
  slip_id text collate "C" not null,
  primary key (partition, kafka_offset)
);
create index late_cue_of_slip on late_cue (slip_id);
