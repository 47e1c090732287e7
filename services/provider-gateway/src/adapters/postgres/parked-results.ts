import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { ParkedResults } from '../../application/ports.ts';
import type { ReportedResult } from '../../domain/result/reported-result.ts';
import { fromJson, toJson } from './json.ts';

const addSql = `
insert into parked_result (caller, result_id, reference, clock, received_at, position, data)
select r.caller, r.result_id, r.reference, r.clock, r.received_at, r.position, r.data
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::jsonb[])
  as r(caller, result_id, reference, clock, received_at, position, data)
order by r.caller, r.result_id
on conflict do nothing`;

const takeSql = `
delete from parked_result p
using (select distinct caller, reference from unnest($1::text[], $2::text[]) as w(caller, reference)) as w
where p.caller = w.caller and p.reference = w.reference and p.orphan_at is null
returning p.data`;

const releasedSql = `
select distinct p.caller, p.reference from parked_result p
join dispatch d on d.caller = p.caller and d.reference = p.reference and d.clock = p.clock and d.mode = 'reported'
where p.orphan_at is null and d.status <> 'submitted' limit $1`;

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

const oldestSql = `
select clock, min(received_at) as oldest from parked_result where orphan_at is null group by clock`;

/** @param events the group and the topic in which the slips' events are followed */
export function parkedResults(
  tx: Tx,
  events: { readonly group: string; readonly topic: string },
): ParkedResults {
  return {
    async add(results: readonly ReportedResult[]) {
      await tx.query(addSql, [
        results.map((one) => one.caller),
        results.map((one) => one.id),
        results.map((one) => one.reference),
        results.map((one) => one.clock),
        results.map((one) => one.receivedAt),
        results.map((one) => one.position),
        results.map((one) => JSON.stringify(toJson(one))),
      ]);
    },
    async take(references) {
      const rows = await tx.query<{ data: unknown }>(takeSql, [
        references.map((one) => one.caller),
        references.map((one) => one.reference),
      ]);
      return rows.map((row) => fromJson(row.data) as ReportedResult);
    },
    async released(limit) {
      return tx.query<{ caller: string; reference: string }>(releasedSql, [limit]);
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
      const rows = await tx.query<{ clock: string; oldest: Instant }>(oldestSql);
      return new Map(rows.map((row) => [row.clock, row.oldest]));
    },
  };
}
