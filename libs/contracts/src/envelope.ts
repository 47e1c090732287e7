import { type Instant, SlipstreamError } from '@slipstream/kernel';
import { WireReader } from './wire-reader.ts';

/**
 * A CloudEvent read straight from its protobuf bytes (`io.cloudevents.v1.CloudEvent`). Reading by hand costs a
 * sixth of the generic decoder, which every consumer would pay for every record; `envelope.spec.ts` holds it
 * against that decoder. Unset attributes are empty strings, an unset sequence is -1.
 */
export interface Envelope {
  id: string;
  source: string;
  type: string;
  subject: string;
  /** Rule 4's number, gapless per (source, partition). */
  sequence: number;
  /** Of the sequencer that gave the number; a later one is greater; 0 on events older than incarnations. */
  incarnation: number;
  time: Instant | '';
  receivedTime: Instant | '';
  clock: string;
  traceparent: string;
  /** The domain message's bytes: a view into the record, not a copy. */
  data: Uint8Array;
}

const empty = new Uint8Array(0);

/** Reads an event; throws `undecodable_record` when the bytes are no CloudEvent of this format. */
export function readEnvelope(bytes: Buffer): Envelope {
  const envelope: Envelope = {
    id: '',
    source: '',
    type: '',
    subject: '',
    sequence: -1,
    incarnation: 0,
    time: '',
    receivedTime: '',
    clock: '',
    traceparent: '',
    data: empty,
  };
  const reader = new WireReader(bytes, 0, bytes.length);
  while (reader.more()) {
    switch (reader.tag()) {
      case 0x0a:
        envelope.id = reader.text();
        break;
      case 0x12:
        envelope.source = reader.text();
        break;
      case 0x22:
        envelope.type = reader.text();
        break;
      case 0x2a:
        readAttribute(reader.message(), envelope);
        break;
      case 0x32:
        envelope.data = reader.bytes();
        break;
      default:
        reader.skip();
    }
  }
  if (envelope.id === '' || envelope.source === '' || envelope.type === '') {
    throw new SlipstreamError(
      'undecodable_record',
      'the value is no CloudEvent: id, source or type is missing',
    );
  }
  return envelope;
}

/** What a consumer needs of every record before it decides to decode it. */
export interface Peek {
  source: string;
  type: string;
  sequence: number;
  incarnation: number;
}

/** Reads source, type, sequence and incarnation only; throws `undecodable_record` as {@link readEnvelope} does. */
export function peekEnvelope(bytes: Buffer): Peek {
  const peek: Peek = { source: '', type: '', sequence: -1, incarnation: 0 };
  const reader = new WireReader(bytes, 0, bytes.length);
  while (reader.more()) {
    const tag = reader.tag();
    if (tag === 0x12) peek.source = reader.text();
    else if (tag === 0x22) peek.type = reader.text();
    else if (tag === 0x2a) {
      const entry = reader.message();
      // Few of our attributes have eight or eleven letters; the name is checked when the length fits.
      if (entry.keyLengthIs(8)) {
        if (entry.tag() === 0x0a && entry.text() === 'sequence') peek.sequence = readDigits(entry, -1);
      } else if (entry.keyLengthIs(11)) {
        if (entry.tag() === 0x0a && entry.text() === 'incarnation') peek.incarnation = readDigits(entry, 0);
      }
    } else reader.skip();
  }
  if (peek.source === '' || peek.type === '')
    throw new SlipstreamError('undecodable_record', 'the value is no CloudEvent: source or type is missing');
  return peek;
}

function readDigits(entry: WireReader, unset: number): number {
  entry.expect(0x12);
  const value = entry.message();
  return value.more() && value.tag() === 0x1a ? value.digits() : unset;
}

function readAttribute(entry: WireReader, envelope: Envelope): void {
  let name = '';
  while (entry.more()) {
    const tag = entry.tag();
    if (tag === 0x0a) name = entry.text();
    else if (tag === 0x12) assign(name, entry.message(), envelope);
    else entry.skip();
  }
}

function assign(name: string, value: WireReader, envelope: Envelope): void {
  if (!value.more()) return;
  const tag = value.tag();
  if (tag === 0x1a) {
    if (name === 'sequence') envelope.sequence = value.digits();
    else if (name === 'incarnation') envelope.incarnation = value.digits();
    else if (name === 'subject' || name === 'clock' || name === 'traceparent') envelope[name] = value.text();
  } else if (tag === 0x3a) {
    if (name === 'time') envelope.time = value.message().timestamp();
    else if (name === 'receivedtime') envelope.receivedTime = value.message().timestamp();
  }
}
