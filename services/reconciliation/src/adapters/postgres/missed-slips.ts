import type { Tx } from '@slipstream/postgres';
import type { Change } from '../../application/advance.ts';
import { missedSlip } from '../../domain/incident/missed.ts';

/** A slip whose trouble turns out to be another's leaves its incident. */
const saveSql = `
insert into missed_slip as m (slip_id, partition, side, provider, route, kind, currency, amount, at, deadline, cause_class,
  cause_code, fate, has_open_case, withheld_at)
select * from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::numeric[],
  $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::bool[], $15::timestamptz[])
on conflict (slip_id) do update set
  side = excluded.side, provider = excluded.provider, at = excluded.at, cause_class = excluded.cause_class,
  cause_code = excluded.cause_code, fate = excluded.fate, has_open_case = excluded.has_open_case,
  withheld_at = excluded.withheld_at,
  incident = case when m.side = excluded.side then m.incident end, changed_at = clock_timestamp()`;

/** Writes what the slips have become that missed their deadlines, or whose refunds our own trouble keeps waiting. */
export function saveMissed(tx: Tx, changes: readonly Change[]): void {
  const missed = changes
    .flatMap(({ slip }) => missedSlip(slip) ?? [])
    .sort((a, b) => (a.slipId < b.slipId ? -1 : 1));
  if (missed.length === 0) return;
  tx.send(saveSql, [
    missed.map(({ slipId }) => slipId),
    missed.map(({ partition }) => partition),
    missed.map(({ side }) => side),
    missed.map(({ provider }) => provider),
    missed.map(({ route }) => route),
    missed.map(({ kind }) => kind),
    missed.map(({ amount }) => amount?.currency ?? null),
    missed.map(({ amount }) => amount?.amount.toString() ?? null),
    missed.map(({ at }) => at),
    missed.map(({ deadline }) => deadline),
    missed.map(({ causeClass }) => causeClass),
    missed.map(({ causeCode }) => causeCode),
    missed.map(({ fate }) => fate),
    missed.map(({ hasOpenCase }) => hasOpenCase),
    missed.map(({ withheldAt }) => withheldAt),
  ]);
}
