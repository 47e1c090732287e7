import { encodeSlipEvent, readEnvelope, stampEnvelope, topics } from '@slipstream/contracts';
import type { ConsumedRecord } from '@slipstream/kafka';
import type { RecordedEvent } from '@slipstream/slip';

/** Writes records of one partition as the relay would. */
export class Feed {
  readonly partition: number;
  #offset: number;
  readonly #sequences = new Map<string, number>();

  constructor(partition: number, firstOffset = 0) {
    this.partition = partition;
    this.#offset = firstOffset;
  }

  /** The next record; `sequence` of the event is replaced by the source's next number. */
  event({ id, slipId, source, clock, time, receivedTime, event }: RecordedEvent): ConsumedRecord {
    const body = encodeSlipEvent({ id, source, subject: slipId, clock }, event);
    const sequence = (this.#sequences.get(source) ?? 0) + 1;
    return this.record(stampEnvelope(body, { sequence: String(sequence), time, receivedTime }));
  }

  /** The next record with a value of one's own. */
  record(value: Buffer): ConsumedRecord {
    const { source, sequence, subject } = readEnvelope(value);
    this.#sequences.set(source, sequence);
    return {
      topic: topics.events.name,
      partition: this.partition,
      offset: this.#offset++,
      timestampMs: 0,
      key: Buffer.from(subject),
      value,
      headers: {},
      source,
      sequence,
    };
  }
}
