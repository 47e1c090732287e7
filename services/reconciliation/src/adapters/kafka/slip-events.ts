import { decodeSlipEvent, sources, topics } from '@slipstream/contracts';
import {
  type Batch,
  type ConsumedRecord,
  RecordRejected,
  readEach,
  type Subscription,
} from '@slipstream/kafka';
import type { Tx } from '@slipstream/postgres';
import type { RecordedEvent } from '@slipstream/slip';

/** Where this service's reading stands in the store. */
export const subscription = { group: 'reconciliation', topic: topics.events.name } as const;

/** Reads the slips' events. Our own were folded when they were decided, so they are passed over. */
export function slipEvents(
  handle: (tx: Tx, partition: number, events: readonly RecordedEvent[]) => Promise<void>,
): Subscription<Tx> {
  return {
    ...subscription,
    sequenced: true,
    handle: (tx, batch: Batch) => {
      const others = batch.records.filter(({ source }) => source !== sources.reconciliation);
      return handle(tx, batch.partition, readEach(others, decode));
    },
  };
}

function decode(record: ConsumedRecord): RecordedEvent {
  const recorded = tryDecode(record);
  const key = record.key?.toString() ?? '';
  if (key !== recorded.slipId) {
    throw new RecordRejected(
      record,
      `the key ${key.slice(0, 100)} is not the event’s slip ${recorded.slipId}`,
    );
  }
  return recorded;
}

function tryDecode(record: ConsumedRecord): RecordedEvent {
  try {
    return decodeSlipEvent(record.value!);
  } catch (cause) {
    throw new RecordRejected(record, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
