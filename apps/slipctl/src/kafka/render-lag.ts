import type { GroupLag } from '@slipstream/kafka';
import { table } from '../output/table.ts';

export function lagJson({ group, topic, partition, nextOffset, end, behind }: GroupLag) {
  return { group, topic, partition, next_offset: nextOffset, end, behind };
}

/** The furthest behind first. */
export function lagTable(lags: readonly GroupLag[], byPartition: boolean): string {
  if (lags.length === 0) return 'no group has said where it is, or this login may see none';
  const sorted = lags.toSorted((a, b) => b.behind - a.behind);
  if (byPartition) {
    const rows = sorted.map(({ group, topic, partition, nextOffset, end, behind }) => [
      ...[group, topic, `${partition}`, `${nextOffset}`, `${end}`, `${behind}`],
    ]);
    return table([['group', 'topic', 'partition', 'next offset', 'end', 'behind'], ...rows]);
  }
  const groups = [...Map.groupBy(sorted, ({ group, topic }) => `${group} ${topic}`).values()].map((of) => {
    const [{ group, topic, partition, behind }] = of as [GroupLag, ...GroupLag[]];
    const sum = of.reduce((total, lag) => total + lag.behind, 0);
    return { sum, row: [group, topic, `${sum}`, behind === 0 ? '-' : `${behind} on ${partition}`] };
  });
  groups.sort((a, b) => b.sum - a.sum);
  return table([['group', 'topic', 'behind', 'most'], ...groups.map(({ row }) => row)]);
}
