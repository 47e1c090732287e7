import type { RecordedEvent } from '@slipstream/slip';

/**
 * What remembers which events were handled. In PostgreSQL, in the transaction that handles them:
 * `INSERT INTO seen_event (id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING RETURNING id`.
 */
export interface SeenEvents {
  /** Keeps these ids, and gives those that were not kept before. */
  add(ids: readonly string[]): Promise<Iterable<string>>;
}

/** The events that were never handled, in order, once each: a stream delivers at least once. */
export async function unseen(events: readonly RecordedEvent[], seen: SeenEvents): Promise<RecordedEvent[]> {
  if (events.length === 0) return [];
  const fresh = new Set(await seen.add([...new Set(events.map(({ id }) => id))]));
  return events.filter(({ id }) => fresh.delete(id));
}
