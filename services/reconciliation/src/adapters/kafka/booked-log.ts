import { decodeSlipEvent, slipEventType } from '@slipstream/contracts';
import type { BatchConsumer, LogReader } from '@slipstream/kafka';
import type { Tx } from '@slipstream/postgres';
import type { RecordedEvent } from '@slipstream/slip';
import { bookedEvents, foldBooked } from '../../domain/statement/booked-fold.ts';

/** Records read at a time, of a partition. */
const recordsMax = 10_000;

export interface BookedLogParts {
  readonly consumer: Pick<BatchConsumer<Tx>, 'positions' | 'inPartition'>;
  readonly reader: Pick<LogReader, 'walk'>;
  through(partitions: readonly number[]): Promise<ReadonlyMap<number, number>>;
  save(tx: Tx, partition: number, to: number, patches: ReturnType<typeof foldBooked>): Promise<void>;
}

/**
 * Reads of the slips' log what a statement may name, behind the detector and never before it, in the partitions that this instance owns
 * and under their fence. Read again after a crash, it says the same.
 * @returns whether more is to be read at once
 */
export async function followBooked(parts: BookedLogParts): Promise<boolean> {
  const { consumer, reader, through, save } = parts;
  const positions = consumer.positions();
  const read = await through([...positions.keys()]);
  let isBehind = false;
  for (const [partition, { nextOffset }] of positions) {
    const from = read.get(partition) ?? 0;
    if (nextOffset <= from) continue;
    const to = Math.min(nextOffset, from + recordsMax);
    const events: RecordedEvent[] = [];
    await reader.walk(partition, from, to, (walk) => {
      if (!walk.peek()) return;
      const type = slipEventType(walk.type);
      if (type === undefined || !bookedEvents.has(type)) return;
      const recorded = decodable(walk.value());
      if (recorded !== null) events.push(recorded);
    });
    await consumer.inPartition(partition, (tx) => save(tx, partition, to, foldBooked(events)));
    isBehind ||= to < nextOffset;
  }
  return isBehind;
}

/** What cannot be read is a dead letter of the detector's; nothing can be held against it here. */
function decodable(value: Buffer | null): RecordedEvent | null {
  try {
    return value && decodeSlipEvent(value);
  } catch {
    return null;
  }
}
