import { parseInstant } from '@slipstream/kernel';
import type { Page, Place } from '../../application/newest-first.ts';

/** Whether a cursor's key is a place; `isId`: of a list of such. */
export function isPlaceOf(isId: (id: string) => boolean): (key: readonly string[]) => boolean {
  return ([at, id, ...rest]) => {
    if (at === undefined || id === undefined || rest.length > 0) return false;
    return parseInstant(at) === at && isId(id);
  };
}

export function toPlace({ side, key }: { readonly side: string; readonly key: readonly string[] }): Place {
  return { at: key[0]!, id: key[1]!, back: side === 'before' };
}

/** A page with the keys of its places. */
export function keyed<Item>({ items, next, previous }: Page<Item>) {
  const keyOf = (place: Place | null) => place && [place.at, place.id];
  return { items, next: keyOf(next), previous: keyOf(previous) };
}
