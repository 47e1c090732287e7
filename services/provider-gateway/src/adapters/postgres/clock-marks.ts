import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { ClockMarkStore } from '../../application/ports.ts';

const advanceSql = `
insert into clock_mark (clock, topic, partition, time, closed)
select m.clock, $1, m.partition, max(m.time), bool_or(m.closed)
from unnest($2::text[], $3::int[], $4::timestamptz[], $5::boolean[]) as m(clock, partition, time, closed)
group by m.clock, m.partition order by m.clock, m.partition
on conflict (clock, topic, partition) do update set
  time = greatest(clock_mark.time, excluded.time), closed = clock_mark.closed or excluded.closed`;

const allSql = `
select clock, count(*)::int as partitions, min(time) as time, bool_and(closed) as closed
from clock_mark where topic = $1 group by clock order by clock`;

/** @param topic the inbound topic on which results are reported */
export function clockMarks(tx: Tx, topic: string): ClockMarkStore {
  return {
    async advance(marks) {
      await tx.query(advanceSql, [
        topic,
        marks.map((mark) => mark.clock),
        marks.map((mark) => mark.partition),
        marks.map((mark) => mark.time),
        marks.map((mark) => mark.closed),
      ]);
    },
    async all() {
      return tx.query<{ clock: string; partitions: number; time: Instant; closed: boolean }>(allSql, [topic]);
    },
  };
}
