import type { Tx } from '@slipstream/postgres';
import { fits } from '../../application/fits.ts';
import type { EventFilter } from '../../application/queries.ts';
import { type SlipRow, slipColumns, toViews } from './slip-views.ts';

/** An event of the log, with what the row of its slip says. */
export interface AskedRow {
  readonly slip_id: string;
  /** null: not asked for. */
  readonly bytes: Buffer | null;
  /** The row of its slip is an older release's: it does not tell by whom the slip came, nor on which route. */
  readonly untold: boolean;
}

const slipsSql = `select ${slipColumns} from slip where id = any($1::text[])`;

/** Slips whose rows do not tell whether they were asked for. */
export function untoldAmong(
  { terms, caller }: Pick<EventFilter, 'terms' | 'caller'>,
  rows: readonly AskedRow[],
): readonly string[] {
  if (caller === null && !terms.some(({ field }) => field === 'route')) return [];
  const untold = rows.flatMap(({ slip_id, bytes, untold: is }) => (is && bytes !== null ? slip_id : []));
  return [...new Set(untold)];
}

/** Those of them that were not, by what their events say; rows and log must be read at one moment. */
export async function strangeAmong(
  tx: Pick<Tx, 'query'>,
  { terms, caller }: Pick<EventFilter, 'terms' | 'caller'>,
  untold: readonly string[],
): Promise<ReadonlySet<string>> {
  if (untold.length === 0) return new Set();
  const views = await toViews(tx, await tx.query<SlipRow>(slipsSql, [untold]));
  const asked = { terms: terms.filter(({ field }) => field === 'route'), metadata: [], caller };
  return new Set(views.flatMap((view) => (fits(view, asked, {}) ? [] : view.state.slipId)));
}
