import { create, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { type Instant, SlipstreamError } from '@slipstream/kernel';
import { type RecordedEvent, type SlipEvent, wallClock } from '@slipstream/slip';
import { mappingOf, toTimestamp } from './domain-mapping.ts';
import { type Envelope, readEnvelope } from './envelope.ts';
import { type EventTypes, eventTypes } from './event-types.ts';
import { CloudEventSchema } from './generated/io/cloudevents/v1/cloudevents_pb.ts';
import { stampBytesMax } from './stamp.ts';

/** The content type of every record on our topics (CloudEvents protobuf format, structured mode). */
export const cloudEventContentType = 'application/cloudevents+protobuf';
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

/**
 * W3C trace context. A caller may write anything of any length there, and every event of its slip repeats it: what is no
 * trace context is left out, or one long command would make events that no topic takes.
 */
const traceContext = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/** Encodes a CloudEvent around a domain message's bytes; throws `payload_too_large` above {@link eventBytesMax}. */
export function encodeCloudEvent(head: EventHead, data: Uint8Array): Uint8Array {
  const attributes: Record<string, object> = { subject: text(head.subject), clock: text(head.clock) };
  if (head.traceparent && traceContext.test(head.traceparent))
    attributes.traceparent = text(head.traceparent);
  if (head.time) attributes.time = { attr: { case: 'ceTimestamp', value: toTimestamp(head.time) } };
  const bytes = toBinary(
    CloudEventSchema,
    create(CloudEventSchema, {
      id: head.id,
      source: head.source,
      specVersion: '1.0',
      type: head.type,
      attributes,
      data: { case: 'binaryData', value: data },
    }),
  );
  if (bytes.length > eventBytesMax - stampBytesMax) {
    throw new SlipstreamError(
      'payload_too_large',
      `event ${head.type} of ${head.subject} has ${bytes.length} bytes`,
    );
  }
  return bytes;
}

function text(value: string): object {
  return { attr: { case: 'ceString', value } };
}

/** Encodes a slip event, still without what {@link stampEnvelope} adds. */
export function encodeSlipEvent(head: Omit<EventHead, 'type'>, event: SlipEvent): Uint8Array {
  const entry = eventTypes.byName(event.type);
  const message = mappingOf(entry.schema).toMessage(event.data);
  return encodeCloudEvent({ ...head, type: entry.type }, toBinary(entry.schema, message as Message));
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
  schema: Parameters<typeof mappingOf>[0],
  envelope: { type: string; data: Uint8Array },
): object {
  let message: Message;
  try {
    message = fromBinary(schema, envelope.data);
  } catch (cause) {
    throw new SlipstreamError('undecodable_record', `the data of ${envelope.type} is no ${schema.typeName}`, {
      cause,
    });
  }
  return mappingOf(schema).toDomain(message);
}
