import { type PageOf, type PageRequest, pageBetween } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { beginningOf, type Keyset } from './keyset.ts';

/** A list of which no index has what is asked for alone: a page looks at so many rows in their order, and tells where to go on. */
export interface LookedList<Row, Item>
  extends Pick<Keyset<Row, Item>, 'keys' | 'order' | 'toItem' | 'keyOf'> {
  /** Rows in the order of the keys, each part by its index, with what confines it and which of its rows come first. */
  readonly rows: (bounds: { readonly condition: string; readonly first: string }) => readonly string[];
  /** What is told of the rows in `looked`: `select …, examined from looked …`, with the keys under their own names. */
  readonly told: (looked: string) => string;
  /** Which of them are asked for, by what is told. */
  readonly matches: readonly string[];
  readonly parameters: readonly unknown[];
  /** Rows that a page looks at. */
  readonly examinedMax: number;
}

interface Looked {
  readonly examined: string;
  readonly matched: boolean;
}

/** Reads rows until enough match or enough were looked at. The last that was looked at is given too: from there the next page goes on. */
export async function readLookedPage<Row, Item>(
  database: Pick<Tx, 'query'>,
  list: LookedList<Row, Item>,
  { limit, from }: PageRequest,
): Promise<PageOf<Item>> {
  // Where all are asked for, as many are looked at as are shown.
  const most = list.matches.length === 0 ? limit + 1 : list.examinedMax;
  const parameters = [...list.parameters];
  const { direction, within: condition } = beginningOf(list, from, parameters);
  const names = list.keys.map(({ column }) => column);
  const sorted = names.map((name) => `${name} ${direction}`).join(', ');
  // By the first key alone, with all that have the last one: so much of the order every index has.
  const first = `order by ${names[0]} ${direction} fetch first ${most} rows with ties`;
  const parts = list.rows({ condition, first }).map((rows) => `select * from (${rows}) as part`);
  const looked = `(
    select *, row_number() over (order by ${sorted}) as examined from (
      ${parts.join('\n      union all ')} order by ${sorted} limit ${most}) as ordered)`;
  const sql = `
select * from (select *, (${['true', ...list.matches].join(' and ')}) is true as matched from (${list.told(looked)}) as told) as page
where matched or examined = ${most} order by ${sorted} limit $${parameters.push(limit + 1)}`;
  const rows = await database.query<Row & Looked>(sql, parameters);
  const matching = rows.filter(({ matched }) => matched);
  const shown = matching.slice(0, limit);
  const [start, last] = [shown[0], rows.at(-1)];
  const wasCut = last !== undefined && Number(last.examined) === most;
  const behind = matching.length > limit ? shown.at(-1)! : wasCut ? last : null;
  return pageBetween(
    shown.map(list.toItem),
    from,
    start ? list.keyOf(start) : null,
    behind && list.keyOf(behind),
  );
}
