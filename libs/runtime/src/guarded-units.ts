import type { EventWalk, PartitionPosition, Span, UnitHandler, UnitWork } from '@slipstream/kafka';
import type { Tx } from '@slipstream/postgres';

export interface Guard {
  /** @throws SlipstreamError while nothing may be taken of the partition */
  readonly pass: (partition: number) => void;
  /** The database lacks events of its own that the partition has. */
  readonly isOlder: (partition: number) => boolean;
}

/**
 * A partition that is closed takes no record into memory, and holds no other back. One whose database is older than its
 * log is given to the handler that folds the log back, where there is one, until it is open again.
 */
export class GuardedUnits implements UnitHandler<Tx> {
  readonly recordsMax?: number;
  readonly patienceMs?: number;
  readonly unitsAtOnce: number;
  readonly #current: UnitHandler<Tx>;
  readonly #older: UnitHandler<Tx> | null;
  readonly #guard: Guard;
  /** Those whose span in hand was begun while they were older. */
  readonly #folding = new Set<number>();

  constructor(current: UnitHandler<Tx>, older: UnitHandler<Tx> | null, guard: Guard) {
    if (current.recordsMax !== undefined) this.recordsMax = current.recordsMax;
    if (current.patienceMs !== undefined) this.patienceMs = current.patienceMs;
    this.#current = current;
    this.#older = older;
    this.#guard = guard;
    this.unitsAtOnce = Math.min(...this.#handlers.map((handler) => handler.unitsAtOnce ?? 1));
  }

  async open(position: PartitionPosition): Promise<void> {
    for (const handler of this.#handlers) await handler.open(position);
  }

  close(partition: number): void {
    for (const handler of this.#handlers) handler.close(partition);
  }

  begin(partition: number): void {
    const isFolding = this.#older !== null && this.#guard.isOlder(partition);
    if (isFolding) this.#folding.add(partition);
    else this.#folding.delete(partition);
    if (!isFolding) this.#guard.pass(partition);
    this.#of(partition).begin(partition);
  }

  take(partition: number, event: EventWalk): boolean {
    return this.#of(partition).take(partition, event);
  }

  isAwaited(): boolean {
    return this.#handlers.some((handler) => handler.isAwaited?.() ?? true);
  }

  unit(spans: readonly Span[]): UnitWork<Tx> {
    if (this.#folding.size === 0) return this.#current.unit(spans);
    const folding = new Set(this.#folding);
    const isFolded = ({ position: { partition } }: Span) => folding.has(partition);
    const folded = this.#older!.unit(spans.filter(isFolded));
    const rest = spans.filter((span) => !isFolded(span));
    const work = rest.length === 0 ? null : this.#current.unit(rest);
    return {
      prepare: async () => {
        await folded.prepare?.();
        await work?.prepare?.();
      },
      write: async (tx) => {
        // Behind what it lacked the partition is followed, not folded: it is taken anew.
        const opened = spans.filter(
          (span) => isFolded(span) && !this.#guard.isOlder(span.position.partition),
        );
        if (opened.length > 0) throw new Error('a partition was opened while its log was folded back');
        await folded.write(tx);
        await work?.write(tx);
      },
      committed: () => {
        folded.committed?.();
        work?.committed?.();
      },
    };
  }

  #of(partition: number): UnitHandler<Tx> {
    return this.#older !== null && this.#folding.has(partition) ? this.#older : this.#current;
  }

  get #handlers(): readonly UnitHandler<Tx>[] {
    return this.#older === null ? [this.#current] : [this.#current, this.#older];
  }
}
