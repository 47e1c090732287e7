import type { Tx, UnitOfWork } from '@slipstream/postgres';
import { type Counted, FigureChanges } from '../../domain/statistics/figures.ts';
import { addFigures, type HourRow, toCounted } from './slip-hours.ts';
import { type SlipRow, slipColumns, toViews } from './slip-views.ts';

const name = 'statistics';
/** Slips that are folded at once. */
const slipsMax = 500;

/** Whether the figures hold all that the log tells. */
export async function isCounted(database: Pick<Tx, 'query'>): Promise<boolean> {
  return (await database.query('select from projection where name = $1', [name])).length > 0;
}

/** Counts what was there before anything was counted; nothing where that was done. */
export async function countOnce(unitOfWork: UnitOfWork, signal?: AbortSignal): Promise<void> {
  if (!(await isCounted(unitOfWork))) await recount(unitOfWork, { isFirst: true, signal });
}

/**
 * Counts all slips anew, by what the log says of them, beside the figures that go on meanwhile, and adds what those lack: both are sums,
 * so neither waits for the other. Gives the rows that differed, by as much as they did.
 * `isFirst`: adds nothing when another instance has counted meanwhile.
 */
export async function recount(
  unitOfWork: UnitOfWork,
  { isFirst = false, signal }: { isFirst?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<readonly Counted[]> {
  const missing = await unitOfWork.run(async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only');
    return differences(tx, signal);
  });
  await unitOfWork.run(async (tx) => {
    const added = await tx.query(
      'insert into projection (name) values ($1) on conflict (name) do nothing returning 1',
      [name],
    );
    if (added.length > 0 || !isFirst) addFigures(tx, missing);
  });
  return missing;
}

const slipsSql = `select ${slipColumns} from slip where id > $1 order by id limit ${slipsMax}`;
const figuresSql = `
select clock, hour, provider, route, kind, currency, cause, partition, slips, dispatched, returned, overdue, not_returned, refunded,
       amount::text, dispatched_ms::text, returned_ms::text
from slip_hour`;

async function differences(tx: Tx, signal?: AbortSignal): Promise<readonly Counted[]> {
  const changes = new FigureChanges();
  for (let after = ''; ; ) {
    signal?.throwIfAborted();
    const rows = await tx.query<SlipRow>(slipsSql, [after]);
    const views = await toViews(tx, rows);
    for (const [n, { clock, partition, listed_at }] of rows.entries()) {
      changes.add(null, { state: views[n]!.state, clock, partition, listedAt: listed_at });
    }
    if (rows.length < slipsMax) break;
    after = rows.at(-1)!.id;
  }
  for (const row of await tx.query<HourRow>(figuresSql)) changes.take(toCounted(row));
  return changes.changed();
}
