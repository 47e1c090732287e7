import type { Tx } from '@slipstream/postgres';
import { type PendingEvent, wallClock } from '@slipstream/slip';
import type { BreakType } from '../../domain/statement/breaks.ts';

const repairedSql = `
update statement_break k set status = 'resolved', resolved_at = clock_timestamp(), resolution = 'repaired'
  from booked_slip b
 where k.slip_id = any($1::text[]) and k.status <> 'resolved' and b.slip_id = k.slip_id and k.wanted = b.outcome
returning k.id, k.kind, k.slip_id, b.returned_by`;

/** Breaks that waited for what was just read of their slips close themselves. */
export async function closeRepaired(
  tx: Tx,
  partition: number,
  slipIds: readonly string[],
): Promise<PendingEvent[]> {
  if (slipIds.length === 0) return [];
  const rows = await tx.query<{ id: string; kind: BreakType; slip_id: string; returned_by: string | null }>(
    repairedSql,
    [slipIds],
  );
  return rows.map(({ id, kind, slip_id: slipId, returned_by }) => ({
    ...{ slipId, partition, clock: wallClock, receivedAt: null },
    event: {
      type: 'BreakResolved',
      data: { breakId: id, kind, resolution: 'repaired', repairedBy: returned_by, by: null, reason: null },
    },
  }));
}
