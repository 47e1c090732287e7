import { partitionsOf } from '@slipstream/contracts';
import { keyText } from './dead-letter.ts';
import type { EventWalk } from './event-walk.ts';
import type { Move, PartitionPosition, Span } from './ports.ts';
import { digestOf, MovingPosition } from './source-position.ts';

/**
 * Takes records of one partition in a row, as long as no rule has anything to say about them: each is an event of one of
 * ours that it may publish, the next number of its source, lies where its slip's do, and its key waits behind no dead letter. `planChunk` knows
 * what becomes of all others; `span.spec.ts` holds the two together.
 */
export class GrowingSpan implements Span {
  readonly position: PartitionPosition;
  nextOffset: number;
  records = 0;
  /** Of their values. */
  bytes = 0;
  /** Of its first record; null: it has none. */
  appendedMs: number | null = null;
  readonly #sources = new Map<string, MovingPosition>();
  readonly #partitions: number | null;

  constructor(position: PartitionPosition) {
    this.position = position;
    this.nextOffset = position.nextOffset;
    this.#partitions = partitionsOf(position.topic);
  }

  /** Whether the record that the walk is at, at or behind `nextOffset`, can be taken. */
  fits(event: EventWalk): boolean {
    const { parkedKeys, partition } = this.position;
    if (parkedKeys.size > 0 && parkedKeys.has(keyText(event.key()) ?? '')) return false;
    return this.follows(event) && event.isPlaced(partition, this.#partitions);
  }

  /** Whether it is the next of its source, wherever it lies and whatever waits. */
  follows(event: EventWalk): boolean {
    if (!event.hasFewHeaders || event.valueLength < 0 || !event.peek()) return false;
    const source = this.#sources.get(event.source) ?? this.position.sources.get(event.source);
    if (source === undefined) return event.sequence === 1;
    return event.sequence === source.sequence + 1 && event.incarnation >= source.incarnation;
  }

  /** Moves behind a record that follows. */
  move(event: EventWalk): void {
    const { bytes, source, valueAt, valueLength, incarnation } = event;
    let moving = this.#sources.get(source);
    if (moving === undefined) {
      moving = new MovingPosition(this.position.sources.get(source));
      this.#sources.set(source, moving);
    }
    moving.move(incarnation, digestOf(bytes.subarray(valueAt, valueAt + valueLength)));
    this.nextOffset = event.offset + 1;
    this.appendedMs ??= event.timestampMs;
    this.records += 1;
    this.bytes += valueLength;
  }

  /** Nothing but what no handler is to see lies before this offset. */
  skipTo(nextOffset: number): void {
    this.nextOffset = Math.max(this.nextOffset, nextOffset);
  }

  get hasMoved(): boolean {
    return this.nextOffset > this.position.nextOffset;
  }

  toMove(): Move {
    return {
      position: this.position,
      advance: { nextOffset: this.nextOffset, sources: this.#sources, deadLetters: [] },
    };
  }

  /** The position when this was committed. */
  after(): PartitionPosition {
    const { position, nextOffset } = this;
    if (this.#sources.size === 0) return { ...position, nextOffset };
    const settled = [...this.#sources].map(([source, moved]) => [source, moved.settled()] as const);
    return { ...position, nextOffset, sources: new Map([...position.sources, ...settled]) };
  }
}
