import { encodeSlipEvent, type Source, topics } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import type { OutboundRecord } from '@slipstream/postgres';
import type { SlipEvent } from '@slipstream/slip';

/** A slip event to be published. */
export interface EventToPublish {
  readonly slipId: string;
  /** The slip's partition: a consumer's output stays on its input's partition (rule 4). */
  readonly partition: number;
  readonly clock: string;
  readonly event: SlipEvent;
  /** When the evidence became durable here; absent: with this very commit. */
  readonly receivedAt?: Instant | null | undefined;
  /** Only where the id must be the same again (a verdict); else a new UUIDv7. */
  readonly id?: string | undefined;
  readonly traceparent?: string | undefined;
}

/** Encodes a slip event for the outbox. */
export function outboundEvent(
  origin: { readonly source: Source; newId(): string },
  { slipId, partition, clock, event, receivedAt, id, traceparent }: EventToPublish,
): OutboundRecord {
  const head = { id: id ?? origin.newId(), source: origin.source, subject: slipId, clock, traceparent };
  return {
    topic: topics.events.name,
    partition,
    key: slipId,
    body: encodeSlipEvent(head, event),
    receivedAt: receivedAt ?? null,
  };
}
