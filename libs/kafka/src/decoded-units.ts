import { isSlipstreamError } from '@slipstream/kernel';
import type { EventWalk } from './event-walk.ts';
import type { Span, UnitHandler, UnitWork } from './ports.ts';

export interface DecodedUnitsParts<Tx, Item> {
  /** Of one transaction: what was read is kept until it is written. */
  readonly recordsMax: number;
  /** Null: nothing follows from it. @throws SlipstreamError for what cannot be read: `handle` says what becomes of it */
  readonly read: (partition: number, event: EventWalk, value: Buffer) => Item | null;
  /** What follows, in the unit's transaction; those of one partition are in order. */
  readonly apply: (tx: Tx, items: readonly Item[]) => Promise<void>;
  /** The partition is owned no more, or opened anew. */
  readonly forget?: (partition: number) => void;
}

/**
 * Units of records that are decoded when they are taken, while the unit before is committed, and handled when their own is.
 * Nothing outlives a unit.
 */
export class DecodedUnits<Tx, Item> implements UnitHandler<Tx> {
  readonly recordsMax: number;
  readonly #parts: DecodedUnitsParts<Tx, Item>;
  readonly #read = new Map<number, Item[]>();

  constructor(parts: DecodedUnitsParts<Tx, Item>) {
    this.#parts = parts;
    this.recordsMax = parts.recordsMax;
  }

  async open(): Promise<void> {}

  close(partition: number): void {
    this.#read.delete(partition);
    this.#parts.forget?.(partition);
  }

  begin(): void {}

  take(partition: number, event: EventWalk): boolean {
    const { bytes, valueAt, valueLength } = event;
    try {
      const item = this.#parts.read(partition, event, bytes.subarray(valueAt, valueAt + valueLength));
      if (item === null) return true;
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
    return this.#read.size > 0;
  }

  unit(spans: readonly Span[]): UnitWork<Tx> {
    const items = spans.flatMap(({ position: { partition } }) => {
      const read = this.#read.get(partition) ?? [];
      this.#read.delete(partition);
      return read;
    });
    return { write: (tx) => this.#parts.apply(tx, items) };
  }
}
