import type { Instant } from '@slipstream/kernel';
import { arrayOf, bytea, int4, int8, jsonb, text, timestamptz } from './column-types.ts';
import { type RowOf, table } from './columns.ts';

const columns = {
  ...{ topic: text, partition: int4, seq: int8, at: timestamptz, received_at: timestamptz },
  ...{ key: text, headers: jsonb, body: bytea },
  ...{ earlier_keys: arrayOf(text), earlier_received: arrayOf(timestamptz), earlier: arrayOf(bytea) },
};

/** The outbox as its writer sees it. */
export const outbox = table('outbox', columns);
type OutboxRow = RowOf<typeof columns>;

/** An event that has its number. */
export interface NumberedEvent {
  readonly topic: string;
  readonly partition: number;
  readonly seq: bigint;
  readonly at: Instant;
  readonly received_at: Instant;
  readonly key: string | null;
  readonly headers: string | null;
  readonly body: Uint8Array;
}

/** As in `append_events`: a page takes two rows whose last event is not much larger than most. */
const rowBytes = 3_500;
const eventBytes = 64;

/**
 * Rows of the outbox for events of one transaction, which come in the order of their numbers in each partition: those that
 * follow one another share a row, if they `mayShare` and begin within the same `rowBytes`. One with headers stands for itself.
 */
export function outboxRows(events: readonly NumberedEvent[], mayShare: boolean): OutboxRow[] {
  const rows: NumberedEvent[][] = [];
  const places = new Map<string, { bytes: number; block: number; row: NumberedEvent[] | null }>();
  for (const event of events) {
    const key = `${event.topic} ${event.partition}`;
    const place = places.get(key) ?? { bytes: 0, block: 0, row: null };
    places.set(key, place);
    const block = Math.floor(place.bytes / rowBytes);
    place.bytes += event.body.length + eventBytes;
    const isOpen = mayShare && event.headers === null && place.block === block;
    if (isOpen && place.row) place.row.push(event);
    else {
      const row = [event];
      rows.push(row);
      place.row = event.headers === null ? row : null;
      place.block = block;
    }
  }
  return rows.map(toRow);
}

function toRow(events: readonly NumberedEvent[]): OutboxRow {
  const last = events.at(-1)!;
  const earlier = events.slice(0, -1);
  const of = <Value>(value: (event: NumberedEvent) => Value): Value[] | null =>
    earlier.length === 0 ? null : earlier.map(value);
  const { topic, partition, seq, at, received_at, key, headers, body } = last;
  return {
    ...{ topic, partition, seq, at, received_at, key, headers, body },
    earlier_keys: of((event) => event.key),
    earlier_received: of((event) => event.received_at),
    earlier: of((event) => event.body),
  };
}
