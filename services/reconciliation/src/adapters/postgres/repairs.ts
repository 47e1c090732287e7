import type { Tx } from '@slipstream/postgres';
import { type PendingEvent, wallClock } from '@slipstream/slip';
import type { KeptSlip } from '../../application/statements/ports.ts';
import type { BookedPatch } from '../../domain/statement/booked-fold.ts';
import type { SlipBreakType } from '../../domain/statement/breaks.ts';

/** What did not succeed is in no statement, and need not be. */
const repairedSql = (condition: string) => `
update statement_break k set status = 'resolved', resolved_at = clock_timestamp(), resolution = 'repaired'
  from booked_slip b
 where k.slip_id = any($1::text[]) and k.status <> 'resolved' and b.slip_id = k.slip_id
   and (k.wanted in (b.outcome, b.fee::text) or (k.kind = 'missing_there' and b.outcome in ('failed', 'void'))) ${condition}
returning k.id, k.kind, k.slip_id, b.partition, b.returned_by`;
const repairedByLog = repairedSql('');
/** Only what was told since the statement was held against it. */
const repairedMeanwhile = repairedSql(`and exists (
  select 1 from unnest($1::text[], $2::text[], $3::bigint[]) as was(slip_id, outcome, fee)
   where was.slip_id = k.slip_id and (was.outcome is distinct from b.outcome or was.fee is distinct from b.fee))`);

/**
 * A look into the index for each name: `names && $1` is answered by comparing every name of every open break with every name that was read
 * as soon as there are many of both.
 */
const namedSql = `
select k.id from unnest($1::text[]) as told(name) cross join lateral (
  select id from statement_break
   where kind = 'missing_here' and status <> 'resolved' and not is_named and names @> array[told.name] offset 0) as k`;

const markSql = `update statement_break set is_named = true where id = any($1::uuid[]) and status <> 'resolved'`;

interface RepairedRow {
  readonly id: string;
  readonly kind: SlipBreakType;
  readonly slip_id: string;
  readonly partition: number;
  readonly returned_by: string | null;
}

/**
 * Breaks that waited for what was just read of their slips close themselves; lines that were of no slip and name one of these are held
 * against it (`match-named-lines.ts`).
 */
export async function closeRepaired(tx: Tx, patches: readonly BookedPatch[]): Promise<PendingEvent[]> {
  const names = patches.flatMap(({ slipId, terms, providerReference }) => [
    ...(terms === null ? [] : [slipId, terms.reference]),
    ...(providerReference === null ? [] : [providerReference]),
  ]);
  const named = names.length > 0 ? await tx.query<{ id: string }>(namedSql, [names]) : [];
  if (named.length > 0) tx.send(markSql, [named.map(({ id }) => id)]);
  const returned = patches.flatMap(({ slipId, outcome }) => (outcome === null ? [] : slipId));
  if (returned.length === 0) return [];
  return (await tx.query<RepairedRow>(repairedByLog, [returned])).map(toResolved);
}

/**
 * The same for breaks that were just opened: an answer that was read between the look at a slip and this transaction's lock on it found
 * no break to close.
 */
export async function closeOvertaken(
  tx: Tx,
  slips: readonly Pick<KeptSlip, 'slipId' | 'outcome' | 'fee'>[],
): Promise<PendingEvent[]> {
  if (slips.length === 0) return [];
  const were = [
    slips.map(({ slipId }) => slipId),
    slips.map(({ outcome }) => outcome),
    slips.map(({ fee }) => fee?.toString() ?? null),
  ];
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
