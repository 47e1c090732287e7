-- An index of this kind that is made of an empty table has a filter of its first range of pages already, and each row that came there wrote
-- the 4 KB of it to the write-ahead log anew: 10 MB for the first 2,500 tags. Without it that range waits, as all others do, until it is full.
select brin_desummarize_range('slip_tag_by_digest', 0) where pg_relation_size('slip_tag') < 16 * 8192;
