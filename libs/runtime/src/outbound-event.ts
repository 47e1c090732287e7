import { encodeOpsEvent, encodeSlipEvent, type Source, topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import type { OutboundRecord } from '@slipstream/postgres';
import type { PendingEvent, PendingOpsEvent } from '@slipstream/slip';

/** Who speaks, and new ids for what it says. */
export interface Origin {
  readonly source: Source;
  newId(): string;
}

/** Encodes an event on its way for the outbox. */
export function outboundEvent(
  origin: Origin,
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

/** Encodes an operations event for the outbox; it lives on the partition of its subject. */
export function outboundOpsEvent(
  origin: Origin,
  { subject, event, id, traceparent }: PendingOpsEvent,
): OutboundRecord {
  const { name: topic, partitions } = topics.ops;
  const head = {
    id: id ?? origin.newId(),
    source: origin.source,
    subject,
    traceparent: traceparent || undefined,
  };
  return {
    topic,
    partition: partitionOf(subject, partitions),
    key: subject,
    body: encodeOpsEvent(head, event),
    receivedAt: null,
  };
}
