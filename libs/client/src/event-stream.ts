import { type Envelope, mayPublish, readEnvelope, slipEventOf, topics } from '@slipstream/contracts';
import {
  digestOf,
  jsonLog,
  type KafkaClient,
  type Log,
  RecordStream,
  type StartAt,
  type StreamRecord,
} from '@slipstream/kafka';
import { instantToMs, SlipstreamError } from '@slipstream/kernel';
import type { RecordedEvent } from '@slipstream/slip';
import { ResendFilter } from './resend-filter.ts';
import { instantOf, type Time } from './time.ts';

export interface EventBatch {
  readonly partition: number;
  /** In log order; all events of one slip lie in one partition. */
  readonly events: readonly RecordedEvent[];
  /** The offset behind them. Kept with what the events did, and given as `from: { offsets }`, it is where to go on. */
  readonly next: number;
}

/**
 * Where a stream begins: at the first event of all, with what comes from now on, with what was logged at a time or later, or
 * at an offset for each partition, as `EventBatch.next` told it (a partition that is not named begins at its first event).
 */
export type StreamStart =
  | 'beginning'
  | 'now'
  | { readonly time: Time }
  | { readonly offsets: Readonly<Record<number, number>> };

export interface EventStreamOptions {
  /** Members of one group share the partitions and go on where the group stopped; without it, every event comes here. */
  readonly group?: string;
  /** A group begins there the first time, at `beginning` or `now`; later it goes on where it stopped. */
  readonly from: StreamStart;
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

/**
 * Waits for brokers, and gives a stream that has begun.
 * @throws StreamBroken when the place to begin at is no more, or not yet; SlipstreamError validation_failed for a start that is none
 */
export async function startEventStream(
  kafka: KafkaClient,
  { group, from, onBatch, onFatal }: EventStreamOptions,
  { log = jsonLog, isStopping = () => false }: StreamSurroundings = {},
): Promise<EventStream> {
  const filter = new ResendFilter();
  const stream = new RecordStream({
    kafka,
    topic: topics.events.name,
    group,
    fromBeginning: from !== 'now',
    startAt: startAtOf(from, group),
    log,
    isStopping,
    onFatal: onFatal ?? ((error) => log.error('the event stream has died', { error: error.message })),
    onAssigned: () => filter.assigned(),
    async onBatch(records) {
      const partition = records[0]!.partition;
      const fresh = filter.fresh(partition, readAll(records, log));
      const events = decodeAll(fresh, log);
      const next = records.at(-1)!.offset + 1;
      if (events.length > 0) await onBatch({ partition, events, next });
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

function startAtOf(from: StreamStart, group: string | undefined): StartAt | undefined {
  if (typeof from === 'string') {
    if (from === 'beginning' || from === 'now') return undefined;
    throw noStart(`must be beginning, now, a time or offsets, not ${from}`);
  }
  if (group !== undefined) {
    throw noStart(
      'a group goes on where it stopped: from a time or from offsets reads a stream without a group',
    );
  }
  if ('time' in from) return { timeMs: instantToMs(instantOf('from/time', from.time)) };
  const offsets = Object.entries(from.offsets).map(([name, offset]) => [Number(name), offset] as const);
  const wrong = offsets.flat().find((number) => !Number.isSafeInteger(number) || number < 0);
  if (wrong !== undefined) throw noStart(`partitions and offsets are whole numbers from 0 on, not ${wrong}`);
  return { offsets: new Map(offsets) };
}

function noStart(detail: string): SlipstreamError {
  return new SlipstreamError('validation_failed', `the stream is not begun: ${detail}`, {
    errors: [{ pointer: '/from', detail }],
  });
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
