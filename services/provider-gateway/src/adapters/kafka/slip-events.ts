import { type Envelope, readEnvelope, slipEventOf, slipEventType, topics } from '@slipstream/contracts';
import { type Batch, RecordRejected, readEach, type Subscription } from '@slipstream/kafka';
import { must } from '@slipstream/kernel';
import type { FollowedEvent } from '../../application/follow-slips.ts';
import type { Count, StoreTx } from '../../application/ports.ts';
import type { UseCases } from '../../application/use-cases.ts';
import { ownEvents } from '../../domain/dispatch/fold-back.ts';
import { followedEvents } from '../../domain/dispatch/follow-event.ts';

export const slipEventsGroup = 'provider-gateway';

/** Follows the slips' events; those of types this service does nothing with are never decoded. */
export function slipEvents<Tx>(parts: {
  readonly does: Pick<UseCases, 'followSlips' | 'foldBackSlips'>;
  readonly open: (tx: Tx) => StoreTx;
  readonly count: Count;
  /** Called when rows became due: their transaction is about to commit. */
  readonly onDue: () => void;
}): Subscription<Tx> & { whileOlder(tx: Tx, batch: Batch): Promise<void> } {
  return {
    topic: topics.events.name,
    group: slipEventsGroup,
    sequenced: true,
    async handle(tx, batch) {
      const due = await parts.does.followSlips(parts.open(tx), decode(batch, followedEvents, parts.count));
      if (due > 0) parts.onDue();
    },
    async whileOlder(tx, batch) {
      await parts.does.foldBackSlips(parts.open(tx), decode(batch, foldedEvents, parts.count));
    },
  };
}

const foldedEvents: ReadonlySet<string> = new Set([...followedEvents, ...ownEvents]);

function decode(batch: Batch, wanted: ReadonlySet<string>, count: Count): FollowedEvent[] {
  const events: FollowedEvent[] = [];
  readEach(batch.records, (record) => {
    try {
      if (record.value === null) throw new Error('the record has no value');
      const envelope: Envelope = readEnvelope(record.value);
      const type = slipEventType(envelope.type);
      if (type === undefined) return count('unknown_event_type');
      if (!wanted.has(type)) return;
      const recorded = must(slipEventOf(envelope), 'a known type decodes');
      events.push({ recorded, partition: batch.partition, traceparent: envelope.traceparent });
    } catch (cause) {
      throw new RecordRejected(record, (cause as Error).message, { cause });
    }
  });
  return events;
}
