import { columns, columnTypes, type Tx, table } from '@slipstream/postgres';
import type { Counted } from '../../domain/statistics/figures.ts';

const { int4, int8, numeric, text, timestamptz } = columnTypes;

const key = {
  ...{ clock: text, hour: timestamptz, provider: text, route: text, kind: text, currency: text, cause: text },
  partition: int4,
};
const figures = {
  ...{ slips: int8, dispatched: int8, returned: int8, overdue: int8, not_returned: int8, refunded: int8 },
  ...{ amount: numeric, dispatched_ms: numeric, returned_ms: numeric },
};
const rows = columns({ ...key, ...figures });
const names = (of: object, alias = '') => Object.keys(of).map((name) => alias + name);

/** In the order of the key, so that two that add to the same rows wait for each other in one direction only. */
const addSql = `
insert into slip_hour as s (${[...names(key), ...names(figures)].join(', ')})
  select ${[...names(key, 'w.'), ...names(figures, 'w.')].join(', ')} from ${rows.unnest('w')}
  order by ${names(key, 'w.')
    .map((name) => (name === 'w.partition' || name === 'w.hour' ? name : `${name} collate "C"`))
    .join(', ')}
  on conflict (${names(key).join(', ')}) do update
    set ${names(figures)
      .map((name) => `${name} = s.${name} + excluded.${name}`)
      .join(', ')}`;

export function addFigures(tx: Pick<Tx, 'send'>, changed: readonly Counted[]): void {
  if (changed.length > 0) tx.send(addSql, rows.parameters(changed.map(hourRow)));
}

export function hourRow({ notReturned, dispatchedMs, returnedMs, ...rest }: Counted) {
  return { ...rest, not_returned: notReturned, dispatched_ms: dispatchedMs, returned_ms: returnedMs };
}

export type HourRow = Pick<
  Counted,
  'clock' | 'hour' | 'provider' | 'route' | 'kind' | 'currency' | 'cause' | 'partition'
> &
  Readonly<Record<'slips' | 'dispatched' | 'returned' | 'overdue' | 'not_returned' | 'refunded', string>> &
  Readonly<Record<'amount' | 'dispatched_ms' | 'returned_ms', string>>;

export function toCounted({ not_returned, dispatched_ms, returned_ms, ...row }: HourRow): Counted {
  const { slips, dispatched, returned, overdue, refunded, amount } = row;
  return {
    ...row,
    ...{ slips: BigInt(slips), dispatched: BigInt(dispatched), returned: BigInt(returned) },
    ...{ overdue: BigInt(overdue), notReturned: BigInt(not_returned), refunded: BigInt(refunded) },
    ...{ amount: BigInt(amount), dispatchedMs: BigInt(dispatched_ms), returnedMs: BigInt(returned_ms) },
  };
}

export const keyNames = Object.keys(key) as readonly (keyof typeof key)[];
export const figureNames = Object.keys(figures) as readonly (keyof typeof figures)[];

/** What each slip adds to the figures, in a table of its own. */
export const countedSlips = (name: string) => table(name, { slip_id: text, ...key, ...figures });
