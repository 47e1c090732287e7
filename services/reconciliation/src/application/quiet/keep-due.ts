import type { Instant } from '@slipstream/kernel';
import type { QuietStore } from './ports.ts';

/**
 * Writes down when the earliest deadline in memory is due, by partition, where that has changed: one instance tells the
 * other services what is waited for, and it must know of all partitions.
 */
export function keepQuietDue(
  quiet: { earliestDue(): ReadonlyMap<number, Instant | null> },
  store: Pick<QuietStore<never>, 'keepDue'>,
): () => Promise<void> {
  let kept: ReadonlyMap<number, Instant | null> = new Map();
  return async () => {
    const now = quiet.earliestDue();
    const changed = new Map([...now].filter(([partition, due]) => kept.get(partition) !== due));
    if (changed.size > 0) await store.keepDue(changed);
    kept = now;
  };
}
