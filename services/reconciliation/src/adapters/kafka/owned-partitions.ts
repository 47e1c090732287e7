import type { BatchConsumer } from '@slipstream/kafka';
import type { Tx } from '@slipstream/postgres';
import type { OwnedPartitions, Unit } from '../../application/ports.ts';

/** The partitions that this member of the group owns, with the consumer's own fence. */
export function ownedPartitions(
  consumer: Pick<BatchConsumer<Tx>, 'positions' | 'inPartition'>,
  unit: (tx: Tx) => Unit,
): OwnedPartitions {
  return {
    nextOffsets() {
      const offsets = new Map<number, number>();
      // -1: nothing was ever read here, so the next offset is the first.
      for (const [partition, { nextOffset }] of consumer.positions())
        offsets.set(partition, Math.max(0, nextOffset));
      return offsets;
    },
    inPartition: (partition, work) => consumer.inPartition(partition, (tx) => work(unit(tx))),
  };
}
