import { type Instant, isTraceContext, SlipstreamError } from '@slipstream/kernel';
import { type RecordedEvent, type SlipEvent, wallClock } from '@slipstream/slip';
import { textAttribute, timeAttribute } from './attributes.ts';
import { type Envelope, readEnvelope } from './envelope.ts';
import { type EventTypes, eventTypes } from './event-types.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { stampBytesMax } from './stamp.ts';
import { tooLong, WireWriter } from './wire-writer.ts';

/** The content type of every record on our topics (CloudEvents protobuf format, structured mode). */
export const cloudEventContentType = 'application/cloudevents+protobuf';
/** Of the specification. */
export const cloudEventVersion = '1.0';
/** Events larger than this are refused when they are written. */
export const eventBytesMax = 64 * 1024;

/** The attributes of an event to be written; {@link stampEnvelope} adds the rest when it is sent. */
export interface EventHead {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly clock: string;
  readonly traceparent?: string | undefined;
  /** Only where the writer knows the time itself: commands and results from outside. */
  readonly time?: Instant | undefined;
}

/** Encodes a CloudEvent around a domain message's bytes; throws `payload_too_large` above {@link eventBytesMax}. */
export function encodeCloudEvent(head: EventHead, data: Uint8Array): Uint8Array {
  const bytes = cloudEventBytes(head, data);
  if (bytes === null || bytes.length > eventBytesMax - stampBytesMax) {
    const size = bytes === null ? 'far too many' : bytes.length;
    throw new SlipstreamError('payload_too_large', `event ${head.type} of ${head.subject} has ${size} bytes`);
  }
  return bytes;
}

const writer = new WireWriter();

/** As protobuf-es writes an `io.cloudevents.v1.CloudEvent`; null: beyond all measure. */
function cloudEventBytes(head: EventHead, data: Uint8Array): Uint8Array | null {
  writer.begin();
  try {
    writeText(0x0a, head.id);
    writeText(0x12, head.source);
    writeText(0x1a, cloudEventVersion);
    writeText(0x22, head.type);
    textAttribute(writer, 'subject', head.subject);
    textAttribute(writer, 'clock', head.clock);
    // A caller may write anything of any length there, and every event of its slip repeats it: what is no trace context is
    // left out, or one long command would make events that no topic takes.
    if (head.traceparent && isTraceContext(head.traceparent))
      textAttribute(writer, 'traceparent', head.traceparent);
    if (head.time) timeAttribute(writer, 'time', head.time);
    writer.byte(0x32);
    writer.view(data);
    return writer.finish();
  } catch (error) {
    if (error === tooLong) return null;
    throw error;
  }
}

function writeText(tag: number, text: string): void {
  if (text === '') return;
  writer.byte(tag);
  writer.text(text);
}

/** Encodes a slip event, still without what {@link stampEnvelope} adds. */
export function encodeSlipEvent(head: Omit<EventHead, 'type'>, event: SlipEvent): Uint8Array {
  const entry = eventTypes.byName(event.type);
  return encodeCloudEvent({ ...head, type: entry.type }, encodeMessage(entry.schema, event.data));
}

/**
 * Decodes a record of `slips.events.v1` whose type must be known; @throws as {@link slipEventOf}, and `too_new` for an
 * unknown type.
 */
export function decodeSlipEvent(value: Buffer): RecordedEvent {
  const envelope = readEnvelope(value);
  const recorded = slipEventOf(envelope);
  if (recorded === null) throw new SlipstreamError('too_new', `event type ${envelope.type} is not known`);
  return recorded;
}

/**
 * Decodes the domain message of an envelope already read.
 * @returns null for a type that this release does not know: it folds into nothing
 * @throws `undecodable_record` for broken data; `too_new` for a value that only a newer release can know
 */
export function slipEventOf(envelope: Envelope, known: EventTypes = eventTypes): RecordedEvent | null {
  const entry = known.byType(envelope.type);
  if (!entry) return null;
  if (envelope.sequence < 0 || envelope.time === '' || envelope.subject === '') {
    throw new SlipstreamError('undecodable_record', `event ${envelope.id} lacks sequence, time or subject`);
  }
  return {
    id: envelope.id,
    slipId: envelope.subject,
    source: envelope.source,
    sequence: BigInt(envelope.sequence),
    time: envelope.time,
    receivedTime: envelope.receivedTime === '' ? envelope.time : envelope.receivedTime,
    clock: envelope.clock === '' ? wallClock : envelope.clock,
    event: { type: entry.name, data: decodeData(entry.schema, envelope) } as SlipEvent,
  };
}

/** Decodes protobuf bytes into domain data; @throws `undecodable_record` (broken), `too_new` (an unknown value). */
export function decodeData(
  schema: Parameters<typeof decodeMessage>[0],
  envelope: { type: string; data: Uint8Array },
): object {
  return decodeMessage(schema, envelope.data, `the data of ${envelope.type}`);
}
