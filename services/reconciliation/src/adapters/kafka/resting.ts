import type { BatchConsumer } from '@slipstream/kafka';
import type { Tx } from '@slipstream/postgres';

/**
 * While the database may lack events of our own (rule 4) the log is followed, and nothing is decided: as if none of it had been read. So the
 * detector says that it is blind when that lasts.
 */
export function resting(
  isOpen: () => boolean,
  consumer: Pick<BatchConsumer<Tx>, 'positions' | 'inPartition'>,
): Pick<BatchConsumer<Tx>, 'positions' | 'inPartition'> {
  return {
    positions() {
      const positions = consumer.positions();
      if (isOpen()) return positions;
      return new Map(
        [...positions].map(([partition, position]) => [partition, { ...position, nextOffset: 0 }]),
      );
    },
    inPartition: async (...asked) => isOpen() && consumer.inPartition(...asked),
  };
}
