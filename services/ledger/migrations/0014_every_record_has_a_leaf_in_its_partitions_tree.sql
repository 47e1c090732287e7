-- Rule 8. The tree of a partition (RFC 9162) has a leaf for every record but those that came again, in the order of the log:
-- SHA-256(0x00 ‖ index ‖ kafka_offset ‖ bytes), both numbers as 8 bytes. `mark` is the first 32 bits of a row's leaf, so that a
-- row that was altered, and the place of one that is missing or was put in, can be named. Null: logged before there were
-- trees; or beside `aside_log`, whose row has it.
alter table event_log add column mark int;

-- Records that stand under no slip, because nobody can say under which, or that wait behind one that does not (rule 9). What
-- is read again comes to event_log as well. Without a value: no bytes.
create table aside_log (
  partition int not null,
  kafka_offset bigint not null,
  bytes bytea not null,
  mark int,
  primary key (partition, kafka_offset)
);

-- The right edge of each tree: `peaks` are the roots of the full trees that it consists of, the smallest first: those that change
-- least stand last, where an update writes nothing of them to the write-ahead log. The owner of the partition moves it with every row of
-- the log. `position` is the offset of the last leaf.
create table log_tree (
  partition int primary key,
  size bigint not null,
  position bigint not null,
  peaks bytea not null,
  check (octet_length(peaks) = 32 * bit_count(size::bit(64)))
) with (fillfactor = 30);

-- Full trees of 256 leaves and more, the n-th of their level: what proofs are made of.
create table log_node (
  partition int not null,
  level smallint not null,
  n bigint not null,
  hash bytea not null check (octet_length(hash) = 32),
  last_offset bigint not null,
  primary key (partition, level, n)
);
create unique index log_node_by_offset on log_node (partition, last_offset) where level = 8;

create trigger aside_log_append_only before update or delete or truncate on aside_log
  for each statement execute function refuse_change();
create trigger log_node_append_only before update or delete or truncate on log_node
  for each statement execute function refuse_change();

-- What lies only among the dead letters is part of the log as well.
insert into aside_log (partition, kafka_offset, bytes)
  select distinct on (d.partition, d.kafka_offset) d.partition, d.kafka_offset, coalesce(d.value, '')
    from dead_letter d
    where d.consumer_group = 'ledger' and d.topic = 'slips.events.v1'
      and not exists (select from event_log e where e.partition = d.partition and e.kafka_offset = d.kafka_offset)
    order by d.partition, d.kafka_offset, d.id;
