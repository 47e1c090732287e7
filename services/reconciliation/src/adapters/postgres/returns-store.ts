import type { Tx, UnitOfWork } from '@slipstream/postgres';
import type { KeptReturns, ReturnsTurn } from '../../application/returns/ports.ts';
import type { SlotStep } from '../../application/returns/tally.ts';
import type { ReturnsState } from '../../domain/returns/returns-watch.ts';

const noteSql = `
insert into returns_seen (first_slot, last_slot, steps)
select * from unnest($1::bigint[], $2::bigint[], $3::json[])`;

const keptSql = 'select version, state from returns_watch where version > $1';

const stepsSql = 'select steps from returns_seen where last_slot > $1 and first_slot <= $2 order by id';

const anySql = 'select exists (select 1 from returns_seen where last_slot > $1 and first_slot <= $2) as any';

/** What was dispatched stays as a count for so long: whether much of it was missed is asked later. */
const dispatchesKept = 2 * 86_400;

const keepSql = `
with folded as (
  delete from returns_seen where last_slot <= $1 returning steps
), counted as (
  insert into dispatch_count (slot, provider, route, slips)
  select s.slot / 2, s.provider, s.route, sum(s.slips)
    from folded f, json_to_recordset(f.steps) as s(kind text, provider text, route text, slot bigint, slips int)
   where s.kind = 'dispatched' group by 1, 2, 3
  on conflict (slot, provider, route) do update set slips = dispatch_count.slips + excluded.slips
), forgotten as (
  delete from dispatch_count where slot < $1 / 2 - ${dispatchesKept}
)
insert into returns_watch (slot, version, state) values ($1, $2, $3)
on conflict (one) do update set slot = excluded.slot, version = excluded.version, state = excluded.state`;

/** Counts of what a unit saw: a row for each of its parts in which anything was. */
export function noteReturns(tx: Tx, parts: readonly (readonly SlotStep[])[]): void {
  const seen = parts.filter(({ length }) => length > 0);
  if (seen.length === 0) return;
  const slots = seen.map((steps) => steps.map(({ slot }) => slot));
  tx.send(noteSql, [
    slots.map((all) => Math.min(...all)),
    slots.map((all) => Math.max(...all)),
    seen.map((steps) => JSON.stringify(steps)),
  ]);
}

export async function anySteps(unitOfWork: UnitOfWork, after: number, through: number): Promise<boolean> {
  const [row] = await unitOfWork.query<{ any: boolean }>(anySql, [after, through]);
  return row!.any;
}

/** What the one that watches does in its transaction. */
export function returnsTurn(tx: Tx, publish: ReturnsTurn['publish']): ReturnsTurn {
  return {
    publish,
    async keptAfter(version) {
      const [row] = await tx.query<{ version: string; state: ReturnsState }>(keptSql, [version]);
      return row ? { version: Number(row.version), state: row.state } : null;
    },
    async steps(after, through) {
      const rows = await tx.query<{ steps: readonly SlotStep[] }>(stepsSql, [after, through]);
      return rows
        .flatMap(({ steps }) => steps)
        .filter(({ slot }) => slot > after && slot <= through)
        .sort((a, b) => a.slot - b.slot);
    },
    keep({ version, state }: KeptReturns) {
      tx.send(keepSql, [state.slot, version, JSON.stringify(state)]);
    },
  };
}
