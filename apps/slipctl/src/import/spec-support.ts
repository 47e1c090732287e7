import { type Mapping, parseMapping } from './mapping.ts';
import { type Row, rowReader } from './rows.ts';

/** A small mapping; `lines` are put in the place of those with the same key. */
export function mappingWith(lines: Readonly<Record<string, string>> = {}): Mapping {
  const all = {
    layout: 'wide',
    reference: 'ref',
    account: '{ column: customer }',
    counterparty: '{ value: shop }',
    submitted: 'sent',
    acknowledged: 'taken',
    progress: '[{ column: moved, name: on_the_way }]',
    returned: '[{ column: done, outcome: succeeded }, { column: failed, outcome: failed }]',
    deadline: '{ column: due }',
    ...lines,
  };
  const text = Object.entries(all).map(([key, value]) => `${key}: ${value}`);
  return parseMapping(text.join('\n'), 'm.yaml');
}

export const header = ['ref', 'customer', 'sent', 'taken', 'moved', 'done', 'failed', 'due', 'price', 'cur'];

export const goodCells: Readonly<Record<string, string>> = {
  ref: 'o-1',
  customer: 'c-1',
  sent: '2018-01-01 10:00:00',
  taken: '2018-01-01 10:05:00',
  done: '2018-01-03 09:00:00',
  due: '2018-01-05 00:00:00',
};

export function readCells(mapping: Mapping, cells: Readonly<Record<string, string>>) {
  const fields = header.map((column) => cells[column] ?? '');
  if (mapping.layout.name !== 'wide') throw new Error('the layout has no rows per slip');
  return rowReader(mapping, mapping.layout, header)(fields, 2);
}

/** The row of cells that are right. */
export function rowOf(mapping: Mapping, cells: Readonly<Record<string, string>> = {}): Row {
  const result = readCells(mapping, { ...goodCells, ...cells });
  if ('problem' in result) throw new Error(result.problem);
  return result.row;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The orders of a file with a row per order and the columns of the Olist data set, as a file with a row per event. */
export function longOf(wide: string): string {
  const [header, ...orders] = wide
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(',').map((cell) => cell.replaceAll('"', '')));
  const column = (order: readonly string[], name: string) => order[header!.indexOf(name)]!;
  const rows = orders.flatMap((order) =>
    Object.entries(olistEvents).flatMap(([event, name]) => {
      const at = column(order, name);
      const due = event === 'purchased' ? column(order, 'order_estimated_delivery_date') : '';
      return at === ''
        ? []
        : [[column(order, 'order_id'), column(order, 'customer_id'), event, at, due].join(',')];
    }),
  );
  // By their text, so that no order stands together.
  return [
    'order_id,customer_id,event,at,due',
    ...rows.toSorted((a, b) => (a.slice(40) < b.slice(40) ? -1 : 1)),
  ].join('\n');
}

const olistEvents = {
  purchased: 'order_purchase_timestamp',
  approved: 'order_approved_at',
  'handed over': 'order_delivered_carrier_date',
  delivered: 'order_delivered_customer_date',
};
