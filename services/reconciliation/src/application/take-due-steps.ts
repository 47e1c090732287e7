import type { Instant } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import { type ClockState, never } from '../domain/deadline/judgeable.ts';
import type { Marks } from '../domain/deadline/marks.ts';
import { advance, type Means, unchanged } from './advance.ts';
import type { Lookout, OwnedPartitions } from './ports.ts';

/**
 * Takes the steps that are due on the partitions owned: further inquiries, and the conclusions when they brought
 * nothing. A conclusion waits until all answers received by its time were read: a lagging gateway never causes one. While
 * the clocks are in trouble nothing is due by any of them.
 */
export async function takeDueSteps(
  { marks, clocks }: { readonly marks: Marks; readonly clocks: ClockState },
  owned: OwnedPartitions,
  lookout: Lookout,
  means: Means,
): Promise<void> {
  if (clocks.trouble !== null) return;
  const through = new Map<number, Instant>();
  for (const [partition, nextOffset] of owned.nextOffsets()) {
    through.set(partition, marks.reached('gateway', wallClock, partition, nextOffset)?.time ?? never);
  }
  if (through.size === 0) return;
  for (const partition of await lookout.withStepsDue(through)) {
    await owned.inPartition(partition, async (unit) => {
      const { now, slips } = await unit.toStep(partition, through.get(partition) ?? never);
      const changes = slips.map((slip) => advance(unchanged(slip), { type: 'step_due' }, now, means));
      if (changes.length > 0) await unit.save(changes);
    });
  }
}
