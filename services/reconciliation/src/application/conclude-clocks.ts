import type { Judgeable } from '../domain/deadline/judgeable.ts';
import { advance, type Ids, unchanged } from './advance.ts';
import { type OwnedPartitions, pageSizeMax } from './ports.ts';

/**
 * Ends an imported clock that is closed, on one partition that is judged up to its end: what is overdue and did not
 * return gets SlipNotReturned; what is due later stays open for ever and is only counted. True when it is done.
 */
export async function concludeClock(range: Judgeable, owned: OwnedPartitions, ids: Ids): Promise<boolean> {
  for (let after = ''; ; ) {
    let missed = 0;
    let finished = false;
    const kept = await owned.inPartition(range.partition, async (unit) => {
      const { slips } = await unit.toConclude(range, after);
      missed = slips.length;
      after = slips.at(-1)?.state.slipId ?? after;
      const concluded = slips.map((slip) =>
        advance(unchanged(slip), { type: 'clock_closed' }, range.through, ids),
      );
      if (missed > 0) await unit.save(concluded);
      if (missed < pageSizeMax) finished = await unit.finishClock(range);
    });
    if (!kept || missed < pageSizeMax) return kept && finished;
  }
}
