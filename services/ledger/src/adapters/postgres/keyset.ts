import type { UnitOfWork } from '@slipstream/postgres';
import type { PageOf, PageRequest } from '../../application/queries.ts';

/** A collection to be read by key: pages stay right while rows are added, however deep they are. */
export interface Keyset<Row, Item> {
  /** `select … from …` without where. */
  readonly select: string;
  readonly conditions: readonly string[];
  readonly parameters: readonly unknown[];
  /** The columns of the order, with their types; together unique. */
  readonly keys: readonly { readonly column: string; readonly type: string }[];
  readonly order: 'asc' | 'desc';
  toItem(row: Row): Item;
  keyOf(row: Row): readonly string[];
}

export async function readPage<Row, Item>(
  unitOfWork: UnitOfWork,
  keyset: Keyset<Row, Item>,
  { limit, from }: PageRequest,
): Promise<PageOf<Item>> {
  const backwards = from?.side === 'before';
  const direction = (keyset.order === 'asc') === !backwards ? 'asc' : 'desc';
  const parameters = [...keyset.parameters];
  const conditions = [...keyset.conditions];
  if (from !== null) {
    const places = keyset.keys.map(({ type }, index) => `$${parameters.length + 1 + index}::${type}`);
    const columns = keyset.keys.map(({ column }) => column);
    conditions.push(`(${columns.join(', ')}) ${direction === 'asc' ? '>' : '<'} (${places.join(', ')})`);
    parameters.push(...from.key);
  }
  const where = conditions.length > 0 ? `where ${conditions.join(' and ')}` : '';
  const order = keyset.keys.map(({ column }) => `${column} ${direction}`).join(', ');
  parameters.push(limit + 1);
  const sql = `${keyset.select} ${where} order by ${order} limit $${parameters.length}`;
  const found = await unitOfWork.query<Row>(sql, parameters);
  const more = found.length > limit;
  const rows = found.slice(0, limit);
  if (backwards) rows.reverse();
  const [first, last] = [rows.at(0), rows.at(-1)];
  return {
    items: rows.map((row) => keyset.toItem(row)),
    next: last && (more || backwards) ? keyset.keyOf(last) : null,
    previous: first && (backwards ? more : from !== null) ? keyset.keyOf(first) : null,
  };
}
