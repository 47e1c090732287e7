/** A page of a list in its fixed order; `key` names a place in that order. */
export interface PageRequest {
  readonly limit: number;
  /** Where the page starts (`after`) or ends (`before`), the place itself left out; null: at the beginning. */
  readonly from: { readonly side: 'after' | 'before'; readonly key: readonly string[] } | null;
}

export interface PageOf<Item> {
  readonly items: readonly Item[];
  /** Keys to go on from; null where there is nothing more. */
  readonly next: readonly string[] | null;
  readonly previous: readonly string[] | null;
}

/**
 * A page whose reader looks at a bounded number of rows, so that it may have few items while more follow: `first` is where its first item
 * lies, `behind` where the next page goes on; both in the direction of reading, as the items are.
 */
export function pageBetween<Item>(
  items: readonly Item[],
  from: PageRequest['from'],
  first: readonly string[] | null,
  behind: readonly string[] | null,
): PageOf<Item> {
  const before = from === null ? null : (first ?? behind);
  if (from?.side !== 'before') return { items, next: behind, previous: before };
  return { items: items.toReversed(), next: before, previous: behind };
}
