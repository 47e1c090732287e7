import type { RecordedEvent } from '@slipstream/slip';

/** Knows, per partition and source, the last `seq` that was delivered, so that a resend is delivered once (rule 5). */
export class ResendFilter {
  readonly #delivered = new Map<string, bigint>();

  /** The events not delivered before, in order; a repeat within `events` is dropped, too. */
  fresh(partition: number, events: readonly RecordedEvent[]): RecordedEvent[] {
    const seen = new Map<string, bigint>();
    return events.filter(({ source, sequence }) => {
      const key = `${partition} ${source}`;
      if (sequence <= (seen.get(key) ?? this.#delivered.get(key) ?? -1n)) return false;
      seen.set(key, sequence);
      return true;
    });
  }

  /** To be called when the receiver is done with them. */
  delivered(partition: number, events: readonly RecordedEvent[]): void {
    for (const { source, sequence } of events) this.#delivered.set(`${partition} ${source}`, sequence);
  }
}
