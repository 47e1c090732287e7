import { type Envelope, readEnvelope, slipEventOf, slipEventType, topics } from '@slipstream/contracts';
import { type Batch, RecordRejected, readEach, type Subscription } from '@slipstream/kafka';
import { must } from '@slipstream/kernel';
import type { FollowedEvent } from '../../application/follow-slips.ts';
import type { Count, StoreTx } from '../../application/ports.ts';
import type { UseCases } from '../../application/use-cases.ts';
import { followedEvents } from '../../domain/dispatch/follow-event.ts';

export const slipEventsGroup = 'provider-gateway';

/** Follows the slips' events; those of types this service does nothing with are never decoded. */
export function slipEvents<Tx>(parts: {
  readonly does: Pick<UseCases, 'followSlips'>;
  readonly open: (tx: Tx) => StoreTx;
  readonly count: Count;
  /** Called when rows became due: their transaction is about to commit. */
  readonly onDue: () => void;
}): Subscription<Tx> {
  return {
    topic: topics.events.name,
    group: slipEventsGroup,
    sequenced: true,
    async handle(tx, batch) {
      const due = await parts.does.followSlips(parts.open(tx), decode(batch, parts.count));
      if (due > 0) parts.onDue();
    },
  };
}

function decode(batch: Batch, count: Count): FollowedEvent[] {
  const events: FollowedEvent[] = [];
  readEach(batch.records, (record) => {
    try {
      if (record.value === null) throw new Error('the record has no value');
      const envelope: Envelope = readEnvelope(record.value);
      const type = slipEventType(envelope.type);
      if (type === undefined) return count('unknown_event_type');
      if (!followedEvents.has(type)) return;
      const recorded = must(slipEventOf(envelope), 'a known type decodes');
      events.push({ recorded, partition: batch.partition, traceparent: envelope.traceparent });
    } catch (cause) {
      throw new RecordRejected(record, (cause as Error).message, { cause });
    }
  });
  return events;
}
