import { MovingPosition, type SourcePosition, StreamBroken, succession } from '@slipstream/kafka';

interface Numbered {
  readonly source: string;
  /** Gapless per source and partition (rule 4); of every event, whatever its type. */
  readonly sequence: number;
  readonly incarnation: number;
  /** Of the record's bytes: a number that comes again must have the same. */
  readonly digest: number;
}

/**
 * Knows, per partition and source, what was delivered: a resend is delivered once; a jump is a lost record, and a number
 * that comes again with other bytes, or out of an earlier incarnation, is a fork (rules 4 and 5).
 */
export class ResendFilter {
  readonly #delivered = new Map<string, SourcePosition>();
  /** Sources whose last number is known from this assignment: nobody else has read on behind it. */
  readonly #followed = new Set<string>();

  /** Partitions were assigned anew, and others may have read on: the next number may be any later one. */
  assigned(): void {
    this.#followed.clear();
  }

  /**
   * The events not delivered before, in order; a repeat within `events` is dropped, too.
   * @throws StreamBroken when a number is missing, or stands for two events
   */
  fresh<T extends Numbered>(partition: number, events: readonly T[]): T[] {
    const seen = new Map<string, MovingPosition>();
    return events.filter((event) => {
      const { source, sequence, incarnation, digest } = event;
      const key = `${partition} ${source}`;
      const known = seen.get(key) ?? this.#before(key, sequence);
      const follows = succession(known, event);
      if ('why' in follows) {
        throw new StreamBroken(`partition ${partition}: seq ${sequence} of ${source}, ${follows.why}`);
      }
      if (follows.kind === 'resent') return false;
      const moving = seen.get(key) ?? new MovingPosition(known);
      moving.move(incarnation, digest);
      seen.set(key, moving);
      return true;
    });
  }

  /** To be called when the receiver is done with them. */
  delivered(partition: number, events: readonly Numbered[]): void {
    const moved = new Map<string, MovingPosition>();
    for (const { source, sequence, incarnation, digest } of events) {
      const key = `${partition} ${source}`;
      const moving = moved.get(key) ?? new MovingPosition(this.#before(key, sequence));
      moving.move(incarnation, digest);
      moved.set(key, moving);
    }
    for (const [key, moving] of moved) {
      this.#delivered.set(key, moving.settled());
      this.#followed.add(key);
    }
  }

  /** Where the source stands before this number; one that is not followed may have gone on meanwhile. */
  #before(key: string, sequence: number): SourcePosition {
    const known = this.#delivered.get(key);
    if (known && (this.#followed.has(key) || sequence <= known.sequence)) return known;
    return { incarnation: known?.incarnation ?? 0, sequence: sequence - 1, digests: [] };
  }
}
