-- Events of one transaction that follow one another in a partition lie in one row of the outbox: what a row and the entry of its key cost
-- beside the bytes is paid once for them. `seq`, `key`, `received_at` and `body` are the last one's; those before it stand in arrays, in
-- order. A row with headers stands for itself.
alter table outbox
  add column earlier_keys text[],
  add column earlier_received timestamptz[],
  add column earlier bytea[],
  add constraint outbox_earlier check (earlier is null and earlier_keys is null and earlier_received is null
    or headers is null and cardinality(earlier) > 0
      and cardinality(earlier_keys) = cardinality(earlier) and cardinality(earlier_received) = cardinality(earlier)),
  -- Rows of up to 4 KB are neither compressed nor cut: the write-ahead log would get the pieces, and an entry for each.
  set (toast_tuple_target = 8160);

-- The events of a row.
create function outbox_events(o outbox) returns table (seq bigint, received_at timestamptz, key text, body bytea)
language sql immutable as $$
  select o.seq - coalesce(cardinality(o.earlier), 0) + e.n - 1, e.received_at, e.key, e.body
    from unnest(o.earlier_received || o.received_at, o.earlier_keys || o.key, o.earlier || o.body)
      with ordinality as e(received_at, key, body, n)
$$;

-- Event by event. Whoever looks for those behind a number asks for `row_seq` behind it as well, which the key of the table finds.
create view outbox_event as
  select r.topic, r.partition, e.seq, r.at, e.received_at, e.key, r.headers, e.body, r.seq as row_seq
    from outbox r, outbox_events(r) as e;

-- A release before this one sends a row as one event, and finds a gap before it: while such a process lives, each event has a row.
alter table instance add column reads_shared_rows boolean not null default false;
create function may_share_rows() returns boolean language sql volatile as $$
  select not exists (select from instance where not reads_shared_rows and seen_at > clock_timestamp() - interval '1 minute')
$$;

-- Gives each event behind a number a row of its own.
create function part_shared_rows(p_topic text, p_partition int, p_after bigint) returns void language sql as $$
  with shared as (
    delete from outbox where topic = p_topic and partition = p_partition and seq > p_after and earlier is not null returning outbox.*
  )
  insert into outbox (topic, partition, seq, at, received_at, key, body)
    select r.topic, r.partition, e.seq, r.at, e.received_at, e.key, e.body from shared r, outbox_events(r::outbox) as e
$$;

create or replace function append_events(
  p_topics text[], p_partitions int[], p_keys text[], p_bodies bytea[], p_received timestamptz[], p_headers jsonb[]
) returns table (topic text, partition int, first_seq bigint, at timestamptz) language plpgsql as $$
#variable_conflict use_column
declare
  -- Of the bodies of a partition, 64 added to each: those that begin within the same of them share a row. A page takes two.
  c_row_bytes constant int := 3500;
  v_shared boolean := cardinality(p_topics) > 1 and may_share_rows();
begin
  return query
    with event as (
      select * from unnest(p_topics, p_partitions, p_keys, p_bodies, p_received, p_headers)
        with ordinality as e(topic, partition, key, body, received_at, headers, ord)
    ), counted as (
      select topic, partition, count(*) as n from event group by topic, partition
    ), stamped as materialized (
      select t.* from (select array_agg(topic) as topics, array_agg(partition) as partitions, array_agg(n) as counts from counted) as c,
        number_events(c.topics, c.partitions, c.counts) as t
    ), numbered as (
      select e.topic, e.partition, e.key, e.headers, e.body, t.at, coalesce(e.received_at, t.received_at) as received_at,
             t.first_seq + row_number() over w - 1 as seq,
             (sum(octet_length(e.body) + 64) over w - octet_length(e.body) - 64) / c_row_bytes as block,
             count(e.headers) over w as raw
        from event e join stamped t on t.topic = e.topic and t.partition = e.partition
        window w as (partition by e.topic, e.partition order by e.ord)
    ), gathered as (
      select topic, partition, max(seq) as seq, count(*)::int as n, min(at) as at, (array_agg(headers))[1] as headers,
             array_agg(key order by seq) as keys, array_agg(received_at order by seq) as received, array_agg(body order by seq) as bodies
        from numbered
        group by topic, partition, raw, headers is null, block, case when not v_shared or headers is not null then seq end
    ), written as (
      insert into outbox (topic, partition, seq, at, received_at, key, headers, body, earlier_keys, earlier_received, earlier)
        select topic, partition, seq, at, received[n], keys[n], headers, bodies[n],
               nullif(keys[:n - 1], '{}'), nullif(received[:n - 1], '{}'), nullif(bodies[:n - 1], '{}')
          from gathered order by topic, partition, seq
    )
    select t.topic, t.partition, t.first_seq, t.at from stamped t;
end $$;
