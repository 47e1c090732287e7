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
