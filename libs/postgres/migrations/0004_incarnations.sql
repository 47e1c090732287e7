-- Rule 4: numbers live only as long as the database, so each row of the sequencer has an incarnation beside them. A later
-- one is greater: the time in milliseconds and ten random bits, or one more than the greatest that is known.
create function new_incarnation(p_after bigint) returns bigint language sql volatile as $$
  select greatest(p_after + 1, floor(extract(epoch from clock_timestamp()) * 1000)::bigint * 1024 + floor(random() * 1024)::bigint)
$$;

-- 0: numbers given out before there were incarnations; what was sent of them carries none, and a resend has the same bytes.
alter table sequencer add column incarnation bigint not null default 0;
update sequencer set incarnation = new_incarnation(0) where next_seq = 1;
alter table sequencer alter column incarnation set default new_incarnation(0);

-- Rule 5: `digests` are those of the newest records read of a source (CRC-32, four bytes each, that of `seq` last).
alter table consumer_sequence
  add column incarnation bigint not null default 0,
  add column digests bytea not null default '';
