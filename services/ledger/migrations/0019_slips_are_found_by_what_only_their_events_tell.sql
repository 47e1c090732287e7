-- What no row of a slip tells, and people ask by: the provider's name of it, what its submitter wrote beside it. `digest` is the first 64
-- bits of a SHA-256 over both the name and the value, the place is that of the event that told it. Rows come in the order of the log and are never
-- changed, so an index of a few bits a row finds them: a range of pages is summarised once, when it is full, by autovacuum.
create table slip_tag (
  digest bigint not null,
  kafka_offset bigint not null,
  partition int not null
);
create index slip_tag_by_digest on slip_tag using brin
  (digest int8_bloom_ops (n_distinct_per_range = 2500, false_positive_rate = 0.001)) with (pages_per_range = 16, autosummarize = on);
-- Slips that were logged before have none: until they are built, lists look at the slips themselves.
insert into projection (name) select 'tags' where not exists (select from event_log);
