import { columns, columnTypes, type Tx } from '@slipstream/postgres';
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
  if (changed.length === 0) return;
  const parameters = rows.parameters(
    changed.map(({ notReturned, dispatchedMs, returnedMs, ...rest }) => ({
      ...rest,
      not_returned: notReturned,
      dispatched_ms: dispatchedMs,
      returned_ms: returnedMs,
    })),
  );
  tx.send(addSql, parameters);
}
