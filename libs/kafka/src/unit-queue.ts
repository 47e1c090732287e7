import { EventWalk } from './event-walk.ts';
import type { Message } from './message.ts';
import type { PartitionPosition, UnitHandler } from './ports.ts';
import { GrowingSpan } from './span.ts';

/** One answer of the broker, waiting. */
interface Waiting {
  readonly batches: readonly Buffer[];
  /** What was asked for: the first batch may begin before it. */
  readonly fromOffset: number;
  /** Behind all that the answer covers. */
  readonly nextOffset: number;
  readonly bytes: number;
}

/** Records between two looks at what a unit still may take. */
const stepRecords = 512;

/** What was fetched of one partition and is not in a unit yet. */
export class UnitQueue {
  readonly #waiting: Waiting[] = [];
  /** Batches of the first answer that are done with. */
  #done = 0;
  #bytes = 0;
  #position: PartitionPosition;
  readonly #walk = new EventWalk();
  #isWalking = false;

  /** `position`: the stored one; nothing is planned beyond it. */
  constructor(position: PartitionPosition) {
    this.#position = position;
  }

  /** The position behind everything that was planned, committed or not. */
  get position(): PartitionPosition {
    return this.#position;
  }

  /** The next offset to be fetched. */
  get nextOffset(): number {
    return this.#waiting.at(-1)?.nextOffset ?? this.#position.nextOffset;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  push(batches: readonly Buffer[], fromOffset: number, nextOffset: number): void {
    const bytes = batches.reduce((sum, batch) => sum + batch.length, 0);
    this.#bytes += bytes;
    this.#waiting.push({ batches, fromOffset, nextOffset, bytes });
  }

  /** Another way has moved the stored position; what lies before it is passed over. */
  movedTo(position: PartitionPosition): void {
    this.#position = position;
    this.#isWalking = false;
    while (this.#waiting.length > 0 && this.#waiting[0]!.nextOffset <= position.nextOffset) this.#shift();
  }

  /**
   * The next records that are not for a unit, as objects: at least one, up to the first that a unit could take. `until`:
   * all before this offset.
   */
  oddRecords(until: number, recordsMax: number): Message[] {
    const records: Message[] = [];
    const span = new GrowingSpan(this.#position);
    const walk = new EventWalk();
    for (const [index, { batches, fromOffset }] of this.#waiting.entries()) {
      for (const batch of batches.slice(index === 0 ? this.#done : 0)) {
        walk.batch(batch);
        while (walk.next()) {
          if (walk.offset < Math.max(fromOffset, span.nextOffset)) continue;
          const isOver = records.length > 0 && walk.offset >= until && span.fits(walk);
          if (isOver || records.length === recordsMax) return records;
          records.push(walk.record());
          if (span.follows(walk)) span.move(walk);
        }
      }
    }
    return records;
  }

  /**
   * Goes on with `span`, or a new one, for a while. `odd`: the next record is not for a unit. The position moves as if the
   * span were committed already.
   */
  grow<Tx>(handler: UnitHandler<Tx>, span: GrowingSpan, recordsMax: number): 'odd' | 'more' | 'empty' {
    const limit = span.records + Math.min(recordsMax, stepRecords);
    while (this.#waiting.length > 0) {
      const { batches, fromOffset, nextOffset } = this.#waiting[0]!;
      span.skipTo(fromOffset);
      while (this.#done < batches.length) {
        const end = this.#walkBatch(handler, span, batches[this.#done]!, limit);
        if (end !== 'empty') return end;
        this.#done += 1;
      }
      span.skipTo(nextOffset);
      this.#shift();
    }
    return 'empty';
  }

  /** The span ends here. */
  planned(span: GrowingSpan): void {
    this.#position = span.after();
  }

  #walkBatch<Tx>(
    handler: UnitHandler<Tx>,
    span: GrowingSpan,
    batch: Buffer,
    limit: number,
  ): 'odd' | 'more' | 'empty' {
    const walk = this.#walk;
    const { partition } = span.position;
    if (!this.#isWalking) {
      walk.batch(batch);
      this.#isWalking = true;
    }
    while (span.records < limit) {
      if (!walk.next()) {
        span.skipTo(walk.nextOffset);
        this.#isWalking = false;
        return 'empty';
      }
      if (walk.offset < span.nextOffset) continue;
      if (!span.fits(walk) || !handler.take(partition, walk)) {
        // Walked again from the batch's start, by whoever comes next.
        this.#isWalking = false;
        return 'odd';
      }
      span.move(walk);
    }
    return 'more';
  }

  #shift(): void {
    this.#bytes -= this.#waiting.shift()!.bytes;
    this.#done = 0;
  }
}
