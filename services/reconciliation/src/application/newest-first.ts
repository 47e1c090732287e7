import type { Instant } from '@slipstream/kernel';

/** A place in a list that is told the newest first: behind a time, then an id. */
export interface Place {
  readonly at: Instant;
  readonly id: string;
  /** Towards newer ones. */
  readonly back: boolean;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: Place | null;
  readonly previous: Place | null;
}

/** What was read from a place on, one item more than the page has: it tells whether there is more in the direction of reading. */
export function pageOf<Item>(
  read: readonly Item[],
  from: Place | null,
  size: number,
  placeOf: (item: Item) => Omit<Place, 'back'>,
): Page<Item> {
  const hasMore = read.length > size;
  const items = from?.back ? read.slice(0, size).toReversed() : read.slice(0, size);
  const [first, last] = [items[0], items.at(-1)];
  const hasOlder = from?.back ? true : hasMore;
  const hasNewer = from?.back ? hasMore : from !== null;
  return {
    items,
    next: last !== undefined && hasOlder ? { ...placeOf(last), back: false } : null,
    previous: first !== undefined && hasNewer ? { ...placeOf(first), back: true } : null,
  };
}

/** A row that a page looked at. `is_edge`: the last that it may look at; more may follow. */
export interface Looked {
  readonly matched: boolean;
  readonly is_edge: boolean;
}

/** As {@link pageOf}, of rows of which not all were asked for: one more than the page has, or the edge, tells where to go on. */
export function lookedPageOf<Row extends Looked, Item>(
  read: readonly Row[],
  from: Place | null,
  size: number,
  toItem: (row: Row) => Item,
  placeOf: (row: Row) => Omit<Place, 'back'>,
): Page<Item> {
  const back = from?.back ?? false;
  const matching = read.filter(({ matched }) => matched);
  const shown = matching.slice(0, size);
  const edge = read.find(({ is_edge }) => is_edge);
  const behind = matching.length > size ? shown.at(-1) : edge;
  const before = from === null ? undefined : (shown[0] ?? behind);
  const items = shown.map(toItem);
  const [next, previous] = back ? [before, behind] : [behind, before];
  return {
    items: back ? items.toReversed() : items,
    next: next === undefined ? null : { ...placeOf(next), back: false },
    previous: previous === undefined ? null : { ...placeOf(previous), back: true },
  };
}
