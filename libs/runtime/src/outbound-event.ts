import { encodeSlipEvent, type Source, topics } from '@slipstream/contracts';
import type { OutboundRecord } from '@slipstream/postgres';
import type { PendingEvent } from '@slipstream/slip';

/** Encodes an event on its way for the outbox. */
export function outboundEvent(
  origin: { readonly source: Source; newId(): string },
  { slipId, partition, clock, event, receivedAt, id, traceparent }: PendingEvent,
): OutboundRecord {
  const head = {
    id: id ?? origin.newId(),
    source: origin.source,
    subject: slipId,
    clock,
    traceparent: traceparent || undefined,
  };
  return {
    topic: topics.events.name,
    partition,
    key: slipId,
    body: encodeSlipEvent(head, event),
    receivedAt,
  };
}
