interface Placed {
  readonly partition: number;
  readonly time: string;
}

/**
 * Rows of several partitions by their times, each partition in its own order, up to where more of one may come before the next.
 * @param rows each partition's from one place on, in its order
 * @param perPartition how many of a partition were read at most: behind so many there may be more
 */
export function byTime<Row extends Placed>(rows: readonly Row[], perPartition: number): Row[] {
  const queues = [...Map.groupBy(rows, ({ partition }) => partition).values()].map((of) => ({ of, next: 0 }));
  const merged: Row[] = [];
  for (;;) {
    let first: (typeof queues)[number] | null = null;
    for (const queue of queues) {
      const row = queue.of[queue.next];
      if (row && (first === null || row.time < first.of[first.next]!.time)) first = queue;
    }
    if (first === null) return merged;
    merged.push(first.of[first.next]!);
    first.next += 1;
    if (first.next === perPartition) return merged;
  }
}
