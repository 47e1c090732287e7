import { readEnvelope, slipEventOf, topics } from '@slipstream/contracts';
import { jsonLog, type KafkaClient, type Log, RecordStream, type StreamRecord } from '@slipstream/kafka';
import type { RecordedEvent } from '@slipstream/slip';
import { ResendFilter } from './resend-filter.ts';

export interface EventBatch {
  readonly partition: number;
  /** In log order; all events of one slip lie in one partition. */
  readonly events: readonly RecordedEvent[];
}

export interface EventStreamOptions {
  /** Members of one group share the partitions and go on where the group stopped; without it, every event comes here. */
  readonly group?: string;
  /** Where to begin without a stored place: at the very first event, or with what comes from now on. */
  readonly fromBeginning: boolean;
  /** Called batch by batch; a rejected batch is repeated until it resolves. */
  readonly onBatch: (batch: EventBatch) => Promise<void> | void;
  /** The stream has died and will deliver nothing more. Default: an error in the log. */
  readonly onFatal?: (error: Error) => void;
}

export interface EventStream {
  stop(): Promise<void>;
}

export async function startEventStream(
  kafka: KafkaClient,
  { group, fromBeginning, onBatch, onFatal }: EventStreamOptions,
  log: Log = jsonLog,
): Promise<EventStream> {
  const filter = new ResendFilter();
  const stream = new RecordStream({
    kafka,
    topic: topics.events.name,
    group,
    fromBeginning,
    log,
    onFatal: onFatal ?? ((error) => log.error('the event stream has died', { error: error.message })),
    async onBatch(records) {
      const partition = records[0]!.partition;
      const events = filter.fresh(partition, decodeAll(records, log));
      if (events.length > 0) await onBatch({ partition, events });
      filter.delivered(partition, events);
    },
  });
  try {
    await stream.start();
  } catch (error) {
    // What it had already connected would be kept open by nobody's stream.
    await stream.stop();
    throw error;
  }
  return stream;
}

/** An event type newer than this library is passed over; what cannot be read (bytes that are no event, a value newer than this library) is told in the log. */
function decodeAll(records: readonly StreamRecord[], log: Log): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  for (const { value, partition, offset } of records) {
    try {
      if (value === null) throw new Error('the record has no value');
      const recorded = slipEventOf(readEnvelope(value));
      if (recorded !== null) events.push(recorded);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      log.warn('a record was skipped', { topic: topics.events.name, partition, offset, error: text });
    }
  }
  return events;
}
