import type { Tx } from '@slipstream/postgres';
import { type Outcome, type PendingEvent, wallClock } from '@slipstream/slip';
import type { BreakType } from '../../domain/statement/breaks.ts';

const repairedSql = (condition: string) => `
update statement_break k set status = 'resolved', resolved_at = clock_timestamp(), resolution = 'repaired'
  from booked_slip b
 where k.slip_id = any($1::text[]) and k.status <> 'resolved' and b.slip_id = k.slip_id and k.wanted = b.outcome ${condition}
returning k.id, k.kind, k.slip_id, b.partition, b.returned_by`;
const repairedByLog = repairedSql('');
/** Only what was told since the statement was held against it. */
const repairedMeanwhile = repairedSql(`and exists (
  select 1 from unnest($1::text[], $2::text[]) as was(slip_id, outcome)
   where was.slip_id = k.slip_id and was.outcome is distinct from b.outcome)`);

interface RepairedRow {
  readonly id: string;
  readonly kind: BreakType;
  readonly slip_id: string;
  readonly partition: number;
  readonly returned_by: string | null;
}

/** Breaks that waited for what was just read of their slips close themselves. */
export async function closeRepaired(tx: Tx, slipIds: readonly string[]): Promise<PendingEvent[]> {
  if (slipIds.length === 0) return [];
  return (await tx.query<RepairedRow>(repairedByLog, [slipIds])).map(toResolved);
}

/**
 * The same for breaks that were just opened: an answer that was read between the look at a slip and this transaction's lock on it found
 * no break to close.
 */
export async function closeOvertaken(
  tx: Tx,
  slips: readonly { readonly slipId: string; readonly outcome: Outcome | null }[],
): Promise<PendingEvent[]> {
  if (slips.length === 0) return [];
  const were = [slips.map(({ slipId }) => slipId), slips.map(({ outcome }) => outcome)];
  return (await tx.query<RepairedRow>(repairedMeanwhile, were)).map(toResolved);
}

function toResolved({ id, kind, slip_id: slipId, partition, returned_by }: RepairedRow): PendingEvent {
  return {
    ...{ slipId, partition, clock: wallClock, receivedAt: null },
    event: {
      type: 'BreakResolved',
      data: { breakId: id, kind, resolution: 'repaired', repairedBy: returned_by, by: null, reason: null },
    },
  };
}
