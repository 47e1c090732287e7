import { isLive } from '@slipstream/slip';
import { asClocksAllow, type ClockState, type Judgeable, judgeable } from '../domain/deadline/judgeable.ts';
import type { Marks } from '../domain/deadline/marks.ts';
import type { BudgetRules } from '../domain/repair/budget.ts';
import { advance, type Means, unchanged } from './advance.ts';
import { type Lookout, type OwnedPartitions, pageSizeMax, type Unit } from './ports.ts';
import { withinBudget } from './within-budget.ts';

/** Pages of one clock and partition before the others get their turn. */
const pagesMax = 20;

/**
 * Judges every deadline that the watermarks have passed (rule 6), and gives the clocks and partitions where none is
 * left. The reading can only be further than it was when the marks were compared, so the verdicts stay right.
 */
export async function judgeDeadlines(
  { marks, clocks }: { readonly marks: Marks; readonly clocks: ClockState },
  owned: OwnedPartitions,
  lookout: Lookout,
  means: Means,
  budget: BudgetRules,
  skip: (range: Judgeable) => boolean,
): Promise<readonly Judgeable[]> {
  const ranges = asClocksAllow(judgeable(marks, owned.nextOffsets()), clocks).filter((range) => !skip(range));
  if (ranges.length === 0) return [];
  const due = new Set(await lookout.withSlipsToJudge(ranges));
  const judged: Judgeable[] = [];
  for (const range of ranges) {
    if (!due.has(range) || (await judgeRange(range, owned, means, budget))) judged.push(range);
  }
  return judged;
}

/** True when nothing is left to be judged in the range. */
async function judgeRange(
  range: Judgeable,
  owned: OwnedPartitions,
  means: Means,
  budget: BudgetRules,
): Promise<boolean> {
  for (let page = 0; page < pagesMax; page++) {
    let judged = 0;
    const work = async (unit: Unit) => {
      const { now, slips } = await unit.toJudge(range);
      judged = slips.length;
      const at = isLive(range.clock) ? now : range.through;
      const changes = await withinBudget(unit, budget, (allowance) =>
        slips.map((slip) => advance(unchanged(slip), { type: 'deadline_judged' }, at, means, allowance)),
      );
      if (judged > 0) await unit.save(changes);
    };
    const kept = await owned.inPartition(range.partition, work, range);
    if (!kept) return false;
    if (judged < pageSizeMax) return true;
  }
  return false;
}
