import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';
import type { EventFilter } from '../../application/queries.ts';
import { checkpointOf } from '../../domain/log/checkpoint.ts';
import { keptLevelMin, leavesPerKeptTree } from '../../domain/log/tree.ts';

/** Clocks of databases that lie further apart have long stopped dispatch (rule 6). */
const clocksApartMax = '5 min';

const checkpointSql = `
select note from checkpoint where at <= $1::timestamptz - interval '${clocksApartMax}' order by at desc, id desc limit 1`;
/** The last full tree that is kept of each partition. */
const nodesSql = `
select node.partition, node.last_offset from unnest($1::int[], $2::bigint[]) as asked(partition, n),
  lateral (select * from log_node l where l.partition = asked.partition and l.level = ${keptLevelMin} and l.n = asked.n offset 0) as node`;

/**
 * Of each partition an offset up to which everything was logged before a time, as a signed checkpoint tells it: whatever became known
 * from that time on lies behind it. Partitions of which nothing is known are left out.
 */
async function endsBefore(tx: Pick<Tx, 'query'>, at: Instant): Promise<ReadonlyMap<number, number>> {
  const [signed] = await tx.query<{ note: string }>(checkpointSql, [at]);
  const full = (signed ? checkpointOf(signed.note).heads : [])
    .map(({ partition, size }) => ({ partition, n: Math.floor(size / leavesPerKeptTree) - 1 }))
    .filter(({ n }) => n >= 0);
  if (full.length === 0) return new Map();
  const rows = await tx.query<{ partition: number; last_offset: string }>(nodesSql, [
    full.map(({ partition }) => partition),
    full.map(({ n }) => n),
  ]);
  return new Map(rows.map(({ partition, last_offset }) => [partition, Number(last_offset)]));
}

const nothing: ReadonlyMap<number, number> = new Map();

/** Of each partition the last offset of what was logged, so received, before all that is asked for. An import's times are its own. */
export async function receivedBefore(
  tx: Pick<Tx, 'query'>,
  { clock, receivedFrom }: Pick<EventFilter, 'clock' | 'receivedFrom'>,
): Promise<ReadonlyMap<number, number>> {
  return receivedFrom === undefined || clock !== wallClock ? nothing : endsBefore(tx, receivedFrom);
}
