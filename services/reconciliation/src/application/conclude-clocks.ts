import type { Judgeable } from '../domain/deadline/judgeable.ts';
import { advance, type Means, unchanged } from './advance.ts';
import { type OwnedPartitions, pageSizeMax } from './ports.ts';

/**
 * Ends imported clocks that are closed, on one partition that is judged up to their ends, in one transaction however many
 * there are: what is overdue and did not return gets SlipNotReturned; what is due later stays open for ever and is only
 * counted. Gives those that are done.
 */
export async function concludeClocks(
  partition: number,
  ranges: readonly Judgeable[],
  owned: OwnedPartitions,
  means: Means,
): Promise<readonly Judgeable[]> {
  const through = new Map(ranges.map((range) => [range.clock, range.through]));
  for (let after = ''; ; ) {
    let missed = 0;
    let finished: readonly Judgeable[] = [];
    const kept = await owned.inPartition(partition, async (unit) => {
      const { slips } = await unit.toConclude(partition, ranges, after);
      missed = slips.length;
      after = slips.at(-1)?.state.slipId ?? after;
      const concluded = slips.map((slip) =>
        advance(unchanged(slip), { type: 'clock_closed' }, through.get(slip.state.clock)!, means),
      );
      if (missed > 0) await unit.save(concluded);
      if (missed < pageSizeMax) finished = await unit.finishClocks(partition, ranges);
    });
    if (!kept) return [];
    if (missed < pageSizeMax) return finished;
  }
}
