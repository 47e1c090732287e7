import { type Instant, type Money, parseInstant, SlipstreamError } from '@slipstream/kernel';
import { type Outcome, type SlipKind, wallClock } from '@slipstream/slip';
import { cloudEventContentType, cloudEventVersion, decodeData, encodeCloudEvent } from './codec.ts';
import { type Envelope, readEnvelope, specVersionOf } from './envelope.ts';
import { AdvanceClockSchema } from './generated/slipstream/common/v1/common_pb.ts';
import { ReportResultSchema } from './generated/slipstream/gateway/v1/results_pb.ts';
import { SubmitSlipSchema } from './generated/slipstream/slip/v1/commands_pb.ts';
import { encodeMessage } from './message-codec.ts';

/** Asks intake for a slip. The caller is the CloudEvent's `source`; `reference` is unique per caller. */
export interface SubmitSlip {
  readonly reference: string;
  readonly kind: SlipKind;
  readonly account: string;
  readonly counterparty: string;
  readonly amount: Money | null;
  readonly route: string;
  readonly deadline: Instant | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Tells the gateway what the provider of a `reported` route answered. */
export interface ReportResult {
  readonly reference: string;
  readonly step: 'acknowledged' | 'progressed' | 'returned';
  readonly outcome: Outcome | null;
  readonly progress: string;
  readonly reason: string | null;
  readonly amount: Money | null;
  /** What the provider charges for it, beside the amount. */
  readonly fee?: Money | null;
  readonly providerReference: string | null;
  readonly providerTime: Instant | null;
}

/** Says that everything on `clock` up to `time` has been sent into this partition. */
export interface AdvanceClock {
  readonly clock: string;
  readonly time: Instant;
  readonly close: boolean;
}

/** The CloudEvents type and the schema of each command. */
export const commandMessages = {
  SubmitSlip: { type: 'slipstream.command.submit_slip.v1', schema: SubmitSlipSchema },
  ReportResult: { type: 'slipstream.command.report_result.v1', schema: ReportResultSchema },
  AdvanceClock: { type: 'slipstream.command.advance_clock.v1', schema: AdvanceClockSchema },
} as const;

export type InboundCommand =
  | { readonly type: 'SubmitSlip'; readonly data: SubmitSlip }
  | { readonly type: 'ReportResult'; readonly data: ReportResult }
  | { readonly type: 'AdvanceClock'; readonly data: AdvanceClock };

/** A command as it came in: `(caller, id)` names it for ever, so a repeat is recognised. */
export interface Inbound {
  readonly id: string;
  readonly caller: string;
  readonly clock: string;
  /** The caller's own time; the receipt time on a clock other than `wall`. */
  readonly time: Instant | null;
  readonly traceparent: string;
  readonly command: InboundCommand;
}

/** Encodes a command for an inbound topic. */
export function encodeInbound(inbound: Inbound & { readonly subject: string }): Uint8Array {
  const { type, schema } = commandMessages[inbound.command.type];
  return encodeCloudEvent(
    {
      id: inbound.id,
      source: inbound.caller,
      type,
      subject: inbound.subject,
      clock: inbound.clock,
      traceparent: inbound.traceparent || undefined,
      time: inbound.time ?? undefined,
    },
    encodeMessage(schema, inbound.command.data),
  );
}

export interface InboundRecord {
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>;
}

/**
 * The envelope of a record of an inbound topic, in structured or in binary mode.
 * @throws `undecodable_record`, also for another version of CloudEvents: nobody here knows what its attributes mean
 */
export function readInbound(record: InboundRecord): Envelope {
  const { envelope, version } = read(record);
  // One that is left out is taken for ours.
  if (version === '' || version === cloudEventVersion) return envelope;
  const detail = `specversion is ${JSON.stringify(version.slice(0, 32))}, and only ${cloudEventVersion} is known`;
  throw new SlipstreamError('undecodable_record', detail);
}

/** Who published a record, and under which id, whatever else is wrong with it. @throws `undecodable_record` */
export function publisherOf(record: InboundRecord): Pick<Envelope, 'id' | 'source' | 'traceparent'> {
  return read(record).envelope;
}

function read(record: InboundRecord): { readonly envelope: Envelope; readonly version: string } {
  const { value } = record;
  if (value === null) throw new SlipstreamError('undecodable_record', 'the record has no value');
  const type = header(record, 'content-type').split(';', 1)[0]!.trim().toLowerCase();
  const structured = type === '' ? header(record, 'ce_id') === '' : type === cloudEventContentType;
  if (structured) return { envelope: readEnvelope(value), version: specVersionOf(value) };
  if (type.startsWith('application/cloudevents')) {
    const detail = `the record is ${type}: send ${cloudEventContentType}, or its attributes in ce_ headers`;
    throw new SlipstreamError('undecodable_record', detail);
  }
  return { envelope: binaryMode(record, value), version: header(record, 'ce_specversion') };
}

/**
 * Decodes the command in an envelope.
 * @throws `undecodable_record`; its `errors` name the field where nothing but one is wrong
 */
export function inboundOf(envelope: Envelope): Inbound {
  const type = inboundType(envelope.type);
  if (type === undefined) {
    throw new SlipstreamError('undecodable_record', `command type ${envelope.type} is not known`);
  }
  return {
    id: envelope.id,
    caller: envelope.source,
    clock: envelope.clock === '' ? wallClock : envelope.clock,
    time: envelope.time === '' ? null : envelope.time,
    traceparent: envelope.traceparent,
    command: { type, data: decodeData(commandMessages[type].schema, envelope) } as InboundCommand,
  };
}

/** The command of a CloudEvents type; undefined for one that is not known. */
export function inboundType(type: string): InboundCommand['type'] | undefined {
  return (Object.keys(commandMessages) as InboundCommand['type'][]).find(
    (name) => commandMessages[name].type === type,
  );
}

/** Decodes a record of an inbound topic; throws as {@link readInbound} and {@link inboundOf}. */
export function decodeInbound(record: InboundRecord): Inbound {
  return inboundOf(readInbound(record));
}

/** CloudEvents Kafka binding, binary mode: attributes in `ce_` headers, the domain message as the value. */
function binaryMode(record: InboundRecord, value: Buffer): Envelope {
  const time = header(record, 'ce_time');
  const instant = time === '' ? '' : parseInstant(time);
  if (instant === null)
    throw new SlipstreamError('undecodable_record', `ce_time is no RFC 3339 time: ${time}`);
  const envelope: Envelope = {
    id: header(record, 'ce_id'),
    source: header(record, 'ce_source'),
    type: header(record, 'ce_type'),
    subject: header(record, 'ce_subject'),
    sequence: -1,
    incarnation: 0,
    time: instant,
    receivedTime: '',
    clock: header(record, 'ce_clock'),
    traceparent: header(record, 'ce_traceparent'),
    data: value,
  };
  if (envelope.id === '' || envelope.source === '' || envelope.type === '') {
    throw new SlipstreamError('undecodable_record', 'ce_id, ce_source or ce_type is missing');
  }
  return envelope;
}

function header(record: InboundRecord, name: string): string {
  const value = record.headers[name];
  if (value === undefined) return '';
  if (Array.isArray(value)) throw new SlipstreamError('undecodable_record', `header ${name} is given twice`);
  return value.toString();
}
