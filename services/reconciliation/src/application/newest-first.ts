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
