import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { ParkedResults, SlipReference } from '../../application/ports.ts';
import type { ReportedResult } from '../../domain/result/reported-result.ts';
import { fromJson, toJson } from './json.ts';

const addSql = `
insert into parked_result (caller, result_id, reference, clock, received_at, position, data)
select r.caller, r.result_id, r.reference, r.clock, r.received_at, r.position, r.data
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::jsonb[])
  as r(caller, result_id, reference, clock, received_at, position, data)
order by r.caller, r.result_id
on conflict do nothing`;

const setAsideSql = `
insert into parked_result (caller, result_id, reference, clock, received_at, position, data, orphan_at)
select r.caller, r.result_id, r.reference, r.clock, r.received_at, r.position, r.data, clock_timestamp()
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::jsonb[])
  as r(caller, result_id, reference, clock, received_at, position, data)
order by r.caller, r.result_id
on conflict do nothing`;

const takeSql = `
delete from parked_result p
using (select distinct caller, reference from unnest($1::text[], $2::text[]) as w(caller, reference)) as w
where p.caller = w.caller and p.reference = w.reference
returning p.data, p.orphan_at is not null as orphaned`;

// With ties, so that a slip's results are never parted: the next sweep goes on behind the last reference.
const releasedSql = `
with swept as (
  select caller, reference, clock from parked_result
  where orphan_at is null and (caller, reference) > ($1, $2)
  order by caller, reference fetch first $3 rows with ties
)
select s.caller, s.reference, bool_or(exists (
  select 1 from dispatch d
  where d.caller = s.caller and d.reference = s.reference and d.clock = s.clock
    and d.mode = 'reported' and d.status <> 'submitted')) as released,
  sum(count(*)) over () >= $3 as more
from swept s group by s.caller, s.reference order by s.caller, s.reference`;

// Only once this service has read intake's events up to the offsets that intake's watermark names.
const orphanSql = `
update parked_result p set orphan_at = clock_timestamp()
where p.orphan_at is null and p.clock = $1 and p.received_at <= $2
  and not exists (
    select 1 from dispatch d
    where d.caller = p.caller and d.reference = p.reference and d.clock = p.clock and d.mode = 'reported')
  and not exists (
    select 1 from unnest($3::int[], $4::bigint[]) as m(partition, kafka_offset)
    left join consumer_position c on c.consumer_group = $5 and c.topic = $6 and c.partition = m.partition
    where m.kafka_offset > 0 and coalesce(c.next_offset, -1) < m.kafka_offset)
returning 1`;

// From clock to clock by the index, and in each as far as the first that counts: this runs while the sequencer is held.
// A slip whose hold was set aside with the dead letters is undetermined, and its results hold nothing back (rule 6).
const oldestSql = `
with recursive known as (
  (select clock from parked_result where orphan_at is null order by clock limit 1)
  union all
  select (select p.clock from parked_result p where p.orphan_at is null and p.clock > known.clock order by p.clock limit 1)
  from known where known.clock is not null
)
select known.clock, first.received_at as oldest from known, lateral (
  select p.received_at from parked_result p
  where p.orphan_at is null and p.clock = known.clock and not exists (
    select 1 from dispatch d
    join parked_key k on k.consumer_group = $1 and k.topic = $2 and k.partition = d.partition and k.key = d.slip_id
    where d.caller = p.caller and d.reference = p.reference and d.status = 'submitted')
  order by p.received_at limit 1
) as first`;

/** @param events the group and the topic in which the slips' events are followed */
export function parkedResults(
  tx: Tx,
  events: { readonly group: string; readonly topic: string },
): ParkedResults {
  return {
    async add(results) {
      tx.send(addSql, columnsOf(results));
    },
    async setAside(results) {
      tx.send(setAsideSql, columnsOf(results));
    },
    async take(references) {
      const rows = await tx.query<{ data: unknown; orphaned: boolean }>(takeSql, [
        references.map((one) => one.caller),
        references.map((one) => one.reference),
      ]);
      return rows.map(({ data, orphaned }) => ({ result: fromJson(data) as ReportedResult, orphaned }));
    },
    async released(after, limit) {
      const rows = await tx.query<SlipReference & { released: boolean; more: boolean }>(releasedSql, [
        after.caller,
        after.reference,
        limit,
      ]);
      const last = rows.at(-1);
      return { released: rows.filter((row) => row.released), next: last?.more ? last : null };
    },
    async orphan(clock, upTo, reached) {
      const rows = await tx.query(orphanSql, [
        clock,
        upTo,
        reached.map((mark) => mark.partition),
        reached.map((mark) => mark.offset),
        events.group,
        events.topic,
      ]);
      return rows.length;
    },
    async oldest() {
      const rows = await tx.query<{ clock: string; oldest: Instant }>(oldestSql, [
        events.group,
        events.topic,
      ]);
      return new Map(rows.map((row) => [row.clock, row.oldest]));
    },
  };
}

function columnsOf(results: readonly ReportedResult[]): unknown[] {
  return [
    results.map((one) => one.caller),
    results.map((one) => one.id),
    results.map((one) => one.reference),
    results.map((one) => one.clock),
    results.map((one) => one.receivedAt),
    results.map((one) => one.position),
    results.map((one) => JSON.stringify(toJson(one))),
  ];
}
