import type { PageOf, PageRequest } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';

/** A collection to be read by key: pages stay right while rows are added, however deep they are. */
export interface Keyset<Row, Item> {
  /** `select … from …` without where; or the same with the page's bounds, where it must look into several indexes. */
  readonly select: string | ((bounds: Bounds) => string);
  readonly conditions: readonly string[];
  readonly parameters: readonly unknown[];
  /** The columns of the order, with their types; together unique. */
  readonly keys: readonly { readonly column: string; readonly type: string }[];
  readonly order: 'asc' | 'desc';
  toItem(row: Row): Item;
  keyOf(row: Row): readonly string[];
}

/**
 * What confines each of the searches that a page is made of: conditions (`true`: none), and which rows come first by the first column of
 * the order alone, with all that are alike there. An index that has no more columns gives them in this order, so that none is sorted.
 */
export interface Bounds {
  readonly condition: string;
  readonly first: string;
}

/**
 * Which way a page is read by the keys of its list, and what confines it to the rows behind its beginning (`true`: nothing does), whose
 * values are added to the parameters.
 */
export function beginningOf(
  { keys, order }: Pick<Keyset<unknown, unknown>, 'keys' | 'order'>,
  from: PageRequest['from'],
  parameters: unknown[],
): { readonly direction: 'asc' | 'desc'; readonly within: string } {
  const direction = (order === 'asc') === (from?.side !== 'before') ? 'asc' : 'desc';
  if (from === null) return { direction, within: 'true' };
  const columns = keys.map(({ column }) => column);
  const places = keys.map(({ type }, n) => `$${parameters.push(from.key[n])}::${type}`);
  const within = `(${columns.join(', ')}) ${direction === 'asc' ? '>' : '<'} (${places.join(', ')})`;
  return { direction, within };
}

export async function readPage<Row, Item>(
  database: Pick<Tx, 'query'>,
  keyset: Keyset<Row, Item>,
  { limit, from }: PageRequest,
): Promise<PageOf<Item>> {
  const backwards = from?.side === 'before';
  const parameters = [...keyset.parameters];
  const { direction, within } = beginningOf(keyset, from, parameters);
  const order = keyset.keys.map(({ column }) => `${column} ${direction}`).join(', ');
  parameters.push(limit + 1);
  const limited = `$${parameters.length}`;
  const ordered = `order by ${order} limit ${limited}`;
  const foremost = `order by ${keyset.keys[0]!.column} ${direction} fetch first ${limited} rows with ties`;
  const condition = [...keyset.conditions, within].join(' and ');
  const select =
    typeof keyset.select === 'string' ? keyset.select : keyset.select({ condition, first: foremost });
  const sql = `${select} where ${condition} ${ordered}`;
  const found = await database.query<Row>(sql, parameters);
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
