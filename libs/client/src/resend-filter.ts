import { StreamBroken } from '@slipstream/kafka';

interface Numbered {
  readonly source: string;
  /** Gapless per source and partition (rule 4); of every event, whatever its type. */
  readonly sequence: number;
}

/**
 * Knows, per partition and source, the last `seq` that was delivered: a resend is delivered once, and a jump is a lost
 * record (rule 5).
 */
export class ResendFilter {
  readonly #delivered = new Map<string, number>();
  /** Sources whose last number is known from this assignment: nobody else has read on behind it. */
  readonly #followed = new Set<string>();

  /** Partitions were assigned anew, and others may have read on: the next number may be any later one. */
  assigned(): void {
    this.#followed.clear();
  }

  /**
   * The events not delivered before, in order; a repeat within `events` is dropped, too.
   * @throws StreamBroken when a number is missing
   */
  fresh<T extends Numbered>(partition: number, events: readonly T[]): T[] {
    const seen = new Map<string, number>();
    return events.filter(({ source, sequence }) => {
      const key = `${partition} ${source}`;
      const last = seen.get(key) ?? this.#delivered.get(key) ?? -1;
      if (sequence <= last) return false;
      if (sequence > last + 1 && (seen.has(key) || this.#followed.has(key))) {
        throw new StreamBroken(
          `partition ${partition}: seq ${sequence} of ${source} after ${last}: records are lost`,
        );
      }
      seen.set(key, sequence);
      return true;
    });
  }

  /** To be called when the receiver is done with them. */
  delivered(partition: number, events: readonly Numbered[]): void {
    for (const { source, sequence } of events) {
      const key = `${partition} ${source}`;
      this.#delivered.set(key, sequence);
      this.#followed.add(key);
    }
  }
}
