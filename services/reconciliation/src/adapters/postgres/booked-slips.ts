import type { Tx, UnitOfWork } from '@slipstream/postgres';
import type { Outcome, SlipKind } from '@slipstream/slip';
import type { KeptSlip } from '../../application/statements/ports.ts';
import type { BookedPatch } from '../../domain/statement/booked-fold.ts';
import type { Day } from '../../domain/statement/statement.ts';

/** A slip of which only a later event is read (its terms lie before what is kept) is left out. */
const saveSql = `
with told as (
  select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
    $10::date[], $11::date[], $12::text[])
    as t(slip_id, kind, reference, amount, currency, provider, provider_reference, outcome, fee, dispatched_on, returned_on, returned_by)
), known as (
  update booked_slip b set provider = coalesce(t.provider, b.provider),
    provider_reference = coalesce(t.provider_reference, b.provider_reference), outcome = coalesce(t.outcome, b.outcome),
    fee = coalesce(t.fee, b.fee), dispatched_on = coalesce(t.dispatched_on, b.dispatched_on),
    returned_on = coalesce(b.returned_on, t.returned_on), returned_by = coalesce(t.returned_by, b.returned_by)
  from told t where b.slip_id = t.slip_id
  returning b.slip_id
)
insert into booked_slip (slip_id, partition, kind, reference, amount, currency, provider, provider_reference, outcome, fee, dispatched_on,
  returned_on, returned_by)
select slip_id, $13, kind, reference, amount, currency, provider, provider_reference, outcome, fee, dispatched_on, returned_on, returned_by
  from told where kind is not null and slip_id not in (select slip_id from known)
on conflict (slip_id) do nothing`;

/** Slips that were given to a provider without statements are not looked for; what a statement has named may have breaks. */
const dropSql = `
delete from booked_slip
 where slip_id = any($1::text[]) and provider is not null and not provider = any($2::text[]) and not named`;

/**
 * Whoever opens a break of a line that names no slip of ours holds this alone until its commit (`match-turn.ts`), so a slip and a break that
 * are written at once do not both miss the other.
 */
export const namesLock = "hashtextextended('names of slips and lines', 0)";
const readSql = `select pg_advisory_xact_lock_shared(${namesLock})`;

const positionSql = `
insert into booked_through (partition, next_offset) values ($1, $2)
on conflict (partition) do update set next_offset = excluded.next_offset`;

const positionsSql = 'select partition, next_offset from booked_through where partition = any($1::int[])';

/** What was read of a partition, and up to where; in the transaction of its owner. */
export function saveBooked(
  tx: Tx,
  partition: number,
  to: number,
  patches: readonly BookedPatch[],
  providers: readonly string[],
): void {
  tx.send(positionSql, [partition, to]);
  if (patches.length === 0) return;
  tx.send(readSql);
  tx.send(saveSql, [
    patches.map(({ slipId }) => slipId),
    patches.map(({ terms }) => terms?.kind ?? null),
    patches.map(({ terms }) => terms?.reference ?? null),
    patches.map(({ terms }) => terms?.amount?.amount.toString() ?? null),
    patches.map(({ terms }) => terms?.amount?.currency ?? null),
    patches.map(({ provider }) => provider),
    patches.map(({ providerReference }) => providerReference),
    patches.map(({ outcome }) => outcome),
    patches.map(({ fee }) => fee?.toString() ?? null),
    patches.map(({ dispatchedOn }) => dispatchedOn),
    patches.map(({ returnedOn }) => returnedOn),
    patches.map(({ returnedBy }) => returnedBy),
    partition,
  ]);
  const given = patches.filter(({ provider }) => provider !== null && !providers.includes(provider));
  if (given.length > 0) tx.send(dropSql, [given.map(({ slipId }) => slipId), providers]);
}

export async function bookedThrough(
  unitOfWork: UnitOfWork,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const rows = await unitOfWork.query<{ partition: number; next_offset: string }>(positionsSql, [partitions]);
  return new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
}

export const slipColumns = `b.slip_id, b.partition, b.kind as slip_kind, b.reference as slip_reference, b.amount as slip_amount,
  b.currency as slip_currency, b.provider_reference as slip_provider_reference, b.outcome as slip_outcome, b.fee as slip_fee,
  b.dispatched_on::text as dispatched_on, b.returned_on::text as returned_on, b.paid, b.came_back,
  (select array_agg(k.difference::text order by k.opened_at, k.id) from statement_break k
    where k.slip_id = b.slip_id and k.kind = 'duplicate' and not k.given_back) as twice`;

export interface BookedRow {
  readonly slip_id: string;
  readonly partition: number;
  readonly slip_kind: SlipKind;
  readonly slip_reference: string;
  readonly slip_amount: string | null;
  readonly slip_currency: string | null;
  readonly slip_provider_reference: string | null;
  readonly slip_outcome: Outcome | null;
  readonly slip_fee: string | null;
  readonly dispatched_on: Day | null;
  readonly returned_on: Day | null;
  readonly paid: string;
  readonly came_back: string;
  readonly twice: readonly string[] | null;
}

export function toKeptSlip(row: BookedRow): KeptSlip {
  const { slip_amount, slip_currency } = row;
  return {
    ...{ slipId: row.slip_id, partition: row.partition, kind: row.slip_kind, reference: row.slip_reference },
    ...{ providerReference: row.slip_provider_reference, outcome: row.slip_outcome },
    amount: slip_amount === null ? null : { amount: BigInt(slip_amount), currency: slip_currency! },
    fee: row.slip_fee === null ? null : BigInt(row.slip_fee),
    ...{ dispatchedOn: row.dispatched_on, returnedOn: row.returned_on },
    ...{ paid: BigInt(row.paid), cameBack: BigInt(row.came_back), twice: (row.twice ?? []).map(BigInt) },
  };
}
