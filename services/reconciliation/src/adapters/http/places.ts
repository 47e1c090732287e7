import type { Page, Place } from '../../application/newest-first.ts';

export function toPlace({ side, key }: { readonly side: string; readonly key: readonly string[] }): Place {
  return { at: key[0]!, id: key[1]!, back: side === 'before' };
}

/** A page with the keys of its places. */
export function keyed<Item>({ items, next, previous }: Page<Item>) {
  const keyOf = (place: Place | null) => place && [place.at, place.id];
  return { items, next: keyOf(next), previous: keyOf(previous) };
}
