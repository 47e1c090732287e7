import { isSlipstreamError } from '@slipstream/kernel';
import type { EventWalk } from './event-walk.ts';
import type { PartitionPosition, Span, UnitHandler, UnitWork } from './ports.ts';

export interface DecodedUnitsParts<Tx, Item, Begun> {
  /** Of one transaction: what was read is kept until it is written. */
  readonly recordsMax: number;
  /** As in {@link UnitHandler}. */
  readonly unitsAtOnce?: number;
  /** Null: nothing follows from it. @throws SlipstreamError for what cannot be read: `handle` says what becomes of it */
  readonly read: (partition: number, event: EventWalk, value: Buffer) => Item | null;
  /** Whether anybody waits for what follows; absent: for all that was read. */
  readonly isAwaited?: (item: Item) => boolean;
  readonly patienceMs?: number;
  /** Before a unit's transaction begins: what `apply` needs from there. */
  readonly begin?: () => Begun;
  /** What follows, in the unit's transaction; those of one partition are in order. */
  readonly apply: (tx: Tx, items: readonly Item[], begun: Begun) => Promise<void>;
  /** The partition was claimed: before any of its records is taken. */
  readonly open?: (partition: number) => Promise<void>;
  /** The partition is owned no more, or opened anew. */
  readonly forget?: (partition: number) => void;
}

/**
 * Units of records that are decoded when they are taken, while the unit before is committed, and handled when their own is.
 * Nothing outlives a unit.
 */
export class DecodedUnits<Tx, Item, Begun = void> implements UnitHandler<Tx> {
  readonly recordsMax: number;
  readonly unitsAtOnce: number;
  readonly patienceMs: number;
  readonly #parts: DecodedUnitsParts<Tx, Item, Begun>;
  readonly #read = new Map<number, Item[]>();
  /** Partitions with what somebody waits for. */
  readonly #awaited = new Set<number>();

  constructor(parts: DecodedUnitsParts<Tx, Item, Begun>) {
    this.#parts = parts;
    this.recordsMax = parts.recordsMax;
    this.unitsAtOnce = parts.unitsAtOnce ?? 1;
    this.patienceMs = parts.patienceMs ?? 0;
  }

  async open({ partition }: PartitionPosition): Promise<void> {
    await this.#parts.open?.(partition);
  }

  close(partition: number): void {
    this.#read.delete(partition);
    this.#awaited.delete(partition);
    this.#parts.forget?.(partition);
  }

  begin(): void {}

  take(partition: number, event: EventWalk): boolean {
    const { bytes, valueAt, valueLength } = event;
    try {
      const item = this.#parts.read(partition, event, bytes.subarray(valueAt, valueAt + valueLength));
      if (item === null) return true;
      if (this.#parts.isAwaited?.(item) ?? true) this.#awaited.add(partition);
      const read = this.#read.get(partition);
      if (read) read.push(item);
      else this.#read.set(partition, [item]);
      return true;
    } catch (error) {
      if (isSlipstreamError(error)) return false;
      throw error;
    }
  }

  isAwaited(): boolean {
    return this.#awaited.size > 0;
  }

  unit(spans: readonly Span[]): UnitWork<Tx> {
    const items = spans.flatMap(({ position: { partition } }) => {
      const read = this.#read.get(partition) ?? [];
      this.#read.delete(partition);
      this.#awaited.delete(partition);
      return read;
    });
    const begun = this.#parts.begin?.() as Begun;
    return { write: (tx) => this.#parts.apply(tx, items, begun) };
  }
}
