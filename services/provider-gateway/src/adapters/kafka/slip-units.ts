import type { EventWalk, Span, UnitHandler, UnitWork } from '@slipstream/kafka';
import { isSlipstreamError } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { FollowedEvent } from '../../application/follow-slips.ts';

export interface SlipUnitsParts {
  /** Null: an event of which nothing follows. @throws SlipstreamError for what cannot be read */
  readonly read: (value: Buffer, type: string, partition: number) => FollowedEvent | null;
  readonly apply: (tx: Tx, events: readonly FollowedEvent[]) => Promise<void>;
}

/** Of one transaction: what was decoded is kept until it is written. */
const recordsMax = 2_000;

/**
 * Slips' events of several partitions in one transaction. Of most of them nothing follows here: they only move the
 * position. Nothing outlives a unit.
 */
export class SlipUnits implements UnitHandler<Tx> {
  readonly recordsMax = recordsMax;
  readonly #parts: SlipUnitsParts;
  readonly #read = new Map<number, FollowedEvent[]>();

  constructor(parts: SlipUnitsParts) {
    this.#parts = parts;
  }

  async open(): Promise<void> {}

  close(partition: number): void {
    this.#read.delete(partition);
  }

  begin(): void {}

  take(partition: number, { type, bytes, valueAt, valueLength }: EventWalk): boolean {
    try {
      const event = this.#parts.read(bytes.subarray(valueAt, valueAt + valueLength), type, partition);
      if (event === null) return true;
      const read = this.#read.get(partition);
      if (read) read.push(event);
      else this.#read.set(partition, [event]);
      return true;
    } catch (error) {
      // `handle` reads it again and says what becomes of it.
      if (isSlipstreamError(error)) return false;
      throw error;
    }
  }

  isAwaited(): boolean {
    return this.#read.size > 0;
  }

  unit(spans: readonly Span[]): UnitWork<Tx> {
    const events = spans.flatMap(({ position: { partition } }) => {
      const read = this.#read.get(partition) ?? [];
      this.#read.delete(partition);
      return read;
    });
    return { write: (tx) => this.#parts.apply(tx, events) };
  }
}
