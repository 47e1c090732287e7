import { type Envelope, mayPublish, readEnvelope, slipEventOf, topics } from '@slipstream/contracts';
import { digestOf, type Log, misplaced, type StreamRecord } from '@slipstream/kafka';
import type { RecordedEvent } from '@slipstream/slip';

/** What one of our services said, not decoded yet. */
export interface ReadRecord extends Envelope {
  readonly partition: number;
  readonly offset: number;
  readonly digest: number;
}

/** What our services say, numbers and all; bytes that are no event, and what strangers say, is told in the log. */
export function readRecords(records: readonly StreamRecord[], log: Log): ReadRecord[] {
  return records.flatMap(({ key, value, problem, partition, offset }) => {
    try {
      if (problem !== null) throw new Error(problem);
      if (value === null) throw new Error('the record has no value');
      const envelope = readEnvelope(value);
      const { source, type } = envelope;
      if (!mayPublish(source, type)) throw new Error(`${source} may not publish ${type}`);
      if (envelope.sequence < 1) throw new Error('the event has no sequence');
      const elsewhere = misplaced({ topic: topics.events.name, partition, key }, envelope.subject);
      if (elsewhere !== null) throw new Error(elsewhere);
      return [{ ...envelope, partition, offset, digest: digestOf(value) }];
    } catch (error) {
      skipped(log, { partition, offset }, error);
      return [];
    }
  });
}

/** A type that is newer than this library is passed over and told in the log once, by `told`; each newer value is. */
export function decodeEvents(read: readonly ReadRecord[], log: Log, told: Set<string>): RecordedEvent[] {
  return read.flatMap((envelope) => {
    try {
      const recorded = slipEventOf(envelope);
      if (recorded === null && !told.has(envelope.type)) {
        const { type, partition, offset } = envelope;
        told.add(type);
        log.warn('events of a type that this release does not know are skipped', {
          ...{ topic: topics.events.name, type, partition, offset },
        });
      }
      return recorded ?? [];
    } catch (error) {
      skipped(log, envelope, error);
      return [];
    }
  });
}

function skipped(
  log: Log,
  { partition, offset }: Pick<ReadRecord, 'partition' | 'offset'>,
  error: unknown,
): void {
  const text = (error instanceof Error ? error.message : String(error)).slice(0, 1_000);
  log.warn('a record was skipped', { topic: topics.events.name, partition, offset, error: text });
}
