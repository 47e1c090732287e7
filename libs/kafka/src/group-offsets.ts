import type { Consumer } from 'kafkajs';
import type { PartitionPosition } from './ports.ts';
import { withTimeout } from './with-timeout.ts';

/** Kafka's own group offsets follow the store's for lag tools only (rule 5): seldom, best effort, never waited for. */
export class GroupOffsets {
  readonly #consumer: Consumer;
  readonly #positions: () => ReadonlyMap<number, PartitionPosition>;
  readonly #committed = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;
  #busy = false;

  constructor(consumer: Consumer, positions: () => ReadonlyMap<number, PartitionPosition>) {
    this.#consumer = consumer;
    this.#positions = positions;
  }

  start(intervalMs: number): void {
    this.#timer = setInterval(() => void this.commit(), intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async commit(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const moved = [...this.#positions().values()].filter(
        ({ partition, nextOffset }) => nextOffset >= 0 && this.#committed.get(partition) !== nextOffset,
      );
      if (moved.length === 0) return;
      const offsets = moved.map(({ topic, partition, nextOffset }) => ({
        topic,
        partition,
        offset: String(nextOffset),
      }));
      await withTimeout(this.#consumer.commitOffsets(offsets), 2_000, 'committing group offsets');
      for (const { partition, nextOffset } of moved) this.#committed.set(partition, nextOffset);
    } catch {
      // A rebalance or a broker away; the next round says it again.
    } finally {
      this.#busy = false;
    }
  }
}
