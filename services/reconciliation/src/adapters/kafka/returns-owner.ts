import type { BatchConsumer } from '@slipstream/kafka';
import { earlier, type Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { isLive } from '@slipstream/slip';
import type { ReturnsStore, ReturnsTurn } from '../../application/returns/ports.ts';
import { asClocksAllow, type ClockState, judgeable } from '../../domain/deadline/judgeable.ts';
import type { Marks } from '../../domain/deadline/marks.ts';

export interface ReturnsOwnerParts {
  readonly consumer: Pick<BatchConsumer<Tx>, 'positions' | 'inPartition'>;
  readonly marks: Marks;
  readonly partitions: number;
  clocks(): ClockState;
  /** Up to when the other instances have judged, by partition. */
  judgedThrough(): Promise<ReadonlyMap<number, Instant>>;
  turn(tx: Tx): ReturnsTurn;
  anySteps: ReturnsStore['anySteps'];
}

/** Whoever owns it watches what concerns all partitions. */
const watchingPartition = 0;

/** What is decided over all partitions is decided by one instance, under the fence of one partition. */
export function oneOwner<Turn>(consumer: ReturnsOwnerParts['consumer'], turn: (tx: Tx) => Turn) {
  return {
    isOurs: () => consumer.positions().has(watchingPartition),
    inTurn: (work: (turn: Turn) => Promise<void>) =>
      consumer.inPartition(watchingPartition, (tx) => work(turn(tx))),
  };
}

/** The returns of all partitions are watched by one instance, under the fence of one partition. */
export function returnsOwner(parts: ReturnsOwnerParts): ReturnsStore {
  const { consumer, marks, partitions, clocks, judgedThrough, turn, anySteps } = parts;
  return {
    anySteps,
    ...oneOwner(consumer, turn),
    async readThrough() {
      const own = new Map<number, number>();
      for (const [partition, { nextOffset }] of consumer.positions())
        own.set(partition, Math.max(0, nextOffset));
      const live = judgeable(marks, own).filter(({ clock }) => isLive(clock));
      const ranges = asClocksAllow(live, clocks());
      const through = new Map(ranges.map((range) => [range.partition, range.through]));
      if (own.size < partitions)
        for (const [partition, time] of await judgedThrough())
          if (!own.has(partition)) through.set(partition, time);
      if (through.size < partitions) return null;
      return [...through.values()].reduce(earlier);
    },
  };
}
