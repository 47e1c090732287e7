import type { BatchConsumer } from '@slipstream/kafka';
import type { Tx } from '@slipstream/postgres';
import type { Lookout, OwnedPartitions, Unit } from '../../application/ports.ts';
import type { Judging, QuietLane } from './quiet-lane.ts';

/** The partitions that this member of the group owns, with the consumer's own fence. */
export function ownedPartitions(
  consumer: Pick<BatchConsumer<Tx>, 'positions' | 'inPartition'>,
  quiet: Pick<QuietLane, 'toJudge'>,
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
    async inPartition(partition, work, judging) {
      if (!judging) return consumer.inPartition(partition, (tx) => work(unit(tx)));
      let judged: Judging | null = null;
      return consumer.inPartition(partition, (tx) => work(judged!.in(unit(tx), tx)), {
        async prepare(position) {
          judged = await quiet.toJudge(position, judging);
        },
        committed: () => judged!.committed(),
      });
    },
  };
}

/** Looks at the rows, and at what is followed in memory. */
export function lookEverywhere(rows: Lookout, quiet: Pick<QuietLane, 'hasToJudge' | 'awaitsHold'>): Lookout {
  const also = async (
    ranges: Parameters<Lookout['withSlipsToJudge']>[0],
    found: Promise<typeof ranges>,
    isHere: (range: (typeof ranges)[number]) => boolean,
  ) => {
    const inRows = new Set(await found);
    return ranges.filter((range) => inRows.has(range) || isHere(range));
  };
  return {
    ...rows,
    withSlipsToJudge: (ranges) =>
      also(ranges, rows.withSlipsToJudge(ranges), (range) => quiet.hasToJudge(range)),
    withSlipsAwaitingHold: (ranges) =>
      also(ranges, rows.withSlipsAwaitingHold(ranges), (range) => quiet.awaitsHold(range)),
  };
}
