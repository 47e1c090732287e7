import { type Envelope, mayPublish, readEnvelope, slipEventOf, topics } from '@slipstream/contracts';
import {
  digestOf,
  jsonLog,
  type KafkaClient,
  type Log,
  RecordStream,
  type StreamRecord,
} from '@slipstream/kafka';
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

/** What the client gives its streams. */
export interface StreamSurroundings {
  readonly log?: Log | undefined;
  /** The client is closing: a stream that still waits for brokers gives up. */
  readonly isStopping?: () => boolean;
}

/** Waits for brokers, and gives a stream that has begun. @throws StreamBroken when the stored place is no more */
export async function startEventStream(
  kafka: KafkaClient,
  { group, fromBeginning, onBatch, onFatal }: EventStreamOptions,
  { log = jsonLog, isStopping = () => false }: StreamSurroundings = {},
): Promise<EventStream> {
  const filter = new ResendFilter();
  const stream = new RecordStream({
    kafka,
    topic: topics.events.name,
    group,
    fromBeginning,
    log,
    isStopping,
    onFatal: onFatal ?? ((error) => log.error('the event stream has died', { error: error.message })),
    onAssigned: () => filter.assigned(),
    async onBatch(records) {
      const partition = records[0]!.partition;
      const fresh = filter.fresh(partition, readAll(records, log));
      const events = decodeAll(fresh, log);
      if (events.length > 0) await onBatch({ partition, events });
      filter.delivered(partition, fresh);
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

interface Read extends Envelope {
  readonly partition: number;
  readonly offset: number;
  readonly digest: number;
}

/** What our services say, numbers and all; bytes that are no event, and what strangers say, is told in the log. */
function readAll(records: readonly StreamRecord[], log: Log): Read[] {
  return records.flatMap(({ value, problem, partition, offset }) => {
    try {
      if (problem !== null) throw new Error(problem);
      if (value === null) throw new Error('the record has no value');
      const envelope = readEnvelope(value);
      const { source, type } = envelope;
      if (!mayPublish(source, type)) throw new Error(`${source} may not publish ${type}`);
      if (envelope.sequence < 1) throw new Error('the event has no sequence');
      return [{ ...envelope, partition, offset, digest: digestOf(value) }];
    } catch (error) {
      skipped(log, { partition, offset }, error);
      return [];
    }
  });
}

/** An event type newer than this library is passed over; a value newer than this library is told in the log. */
function decodeAll(read: readonly Read[], log: Log): RecordedEvent[] {
  return read.flatMap((envelope) => {
    try {
      return slipEventOf(envelope) ?? [];
    } catch (error) {
      skipped(log, envelope, error);
      return [];
    }
  });
}

function skipped(log: Log, { partition, offset }: Pick<Read, 'partition' | 'offset'>, error: unknown): void {
  const text = (error instanceof Error ? error.message : String(error)).slice(0, 1_000);
  log.warn('a record was skipped', { topic: topics.events.name, partition, offset, error: text });
}
