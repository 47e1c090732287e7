import { readEnvelope, slipEventOf, sources, topics } from '@slipstream/contracts';
import {
  type Batch,
  type ConsumedRecord,
  RecordRejected,
  readEach,
  type Subscription,
} from '@slipstream/kafka';
import type { Tx } from '@slipstream/postgres';
import type { GuardedSubscription } from '@slipstream/runtime';
import type { RecordedEvent } from '@slipstream/slip';
import type { QuietLane } from './quiet-lane.ts';

/** Where this service's reading stands in the store. */
export const subscription = { group: 'reconciliation', topic: topics.events.name } as const;

/** What is done with events that are handled by themselves. */
type Handle = (tx: Tx, batch: Batch, events: readonly RecordedEvent[]) => Promise<void>;

/** Reads the slips' events. Our own were folded when they were decided, so they are passed over. */
export function slipEvents(handle: Handle, onUnknownTypes: (count: number) => void): Subscription<Tx> {
  return {
    ...subscription,
    sequenced: true,
    handle: (tx, batch: Batch) => {
      const others = batch.records.filter(({ source }) => source !== sources.reconciliation);
      return handle(tx, batch, decodeAll(others, onUnknownTypes));
    },
  };
}

function decodeAll(
  records: readonly ConsumedRecord[],
  onUnknownTypes: (count: number) => void,
): RecordedEvent[] {
  // An event type that only a newer release knows folds into nothing.
  const events = readEach(records, decode).filter((recorded) => recorded !== null);
  if (events.length < records.length) onUnknownTypes(records.length - events.length);
  return events;
}

/** As {@link slipEvents}, with the slips followed in memory as long as nothing is to be decided about them. */
export function quietSlipEvents(
  quiet: QuietLane,
  onUnknownTypes: (count: number) => void,
): GuardedSubscription {
  return {
    ...slipEvents((tx, batch, events) => quiet.handle(tx, batch, events), onUnknownTypes),
    prepare: (position, batch, letters) => quiet.prepare(position, batch, letters),
    setAside: (tx, partition) => quiet.setAside(tx, partition),
    units: quiet,
    unitsWhileOlder: quiet.whileOlder,
    whileOlder: (tx, batch) => {
      const lacking = batch.records.filter((record) => quiet.isToFoldBack(batch.partition, record));
      return quiet.foldBack(tx, batch, decodeAll(lacking, onUnknownTypes));
    },
  };
}

function decode(record: ConsumedRecord): RecordedEvent | null {
  try {
    return slipEventOf(readEnvelope(record.value!));
  } catch (cause) {
    throw new RecordRejected(record, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
