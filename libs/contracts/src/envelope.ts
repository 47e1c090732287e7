import { type Instant, instantFromSeconds, SlipstreamError } from '@slipstream/kernel';
import { isAscii, unreadable, WireReader } from './wire-reader.ts';

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
  readFields(bytes, envelope);
  if (envelope.id === '' || envelope.source === '' || envelope.type === '') {
    throw new SlipstreamError(
      'undecodable_record',
      'the value is no CloudEvent: id, source or type is missing',
    );
  }
  return envelope;
}

function readFields(bytes: Buffer, envelope: Envelope): void {
  const reader = new WireReader(bytes);
  const end = bytes.length;
  try {
    while (reader.at < end) {
      const tag = reader.varint(end);
      if (tag === 0x0a) envelope.id = looseText(reader, end);
      else if (tag === 0x12) envelope.source = looseText(reader, end);
      else if (tag === 0x22) envelope.type = looseText(reader, end);
      else if (tag === 0x2a) readAttribute(reader, reader.span(end), envelope);
      else if (tag === 0x32) envelope.data = reader.view(end);
      else reader.skip(tag, end);
    }
  } catch (error) {
    throw error === unreadable ? broken() : error;
  }
}

/** The version of CloudEvents that an event names; empty: none. Of bytes that {@link readEnvelope} reads. */
export function specVersionOf(bytes: Buffer): string {
  const reader = new WireReader(bytes);
  let version = '';
  while (reader.at < bytes.length) {
    const tag = reader.varint(bytes.length);
    if (tag === 0x1a) version = looseText(reader, bytes.length);
    else reader.skip(tag, bytes.length);
  }
  return version;
}

/** A text of which nobody says that it is one: what is not UTF-8 becomes U+FFFD. */
function looseText(reader: WireReader, end: number): string {
  const until = reader.span(end);
  const start = reader.at;
  reader.at = until;
  return reader.bytes.toString(isAscii(reader.bytes, start, until) ? 'latin1' : 'utf8', start, until);
}

/** What a consumer needs of every record before it decides to decode it. */
export interface Peek {
  source: string;
  type: string;
  subject: string;
  sequence: number;
  incarnation: number;
}

/** Reads these attributes only; throws `undecodable_record` as {@link readEnvelope} does. */
export function peekEnvelope(bytes: Buffer): Peek {
  const peek: Peek = { source: '', type: '', subject: '', sequence: -1, incarnation: 0 };
  peekFields(bytes, peek);
  if (peek.source === '' || peek.type === '')
    throw new SlipstreamError('undecodable_record', 'the value is no CloudEvent: source or type is missing');
  return peek;
}

function peekFields(bytes: Buffer, peek: Peek): void {
  const reader = new WireReader(bytes);
  const end = bytes.length;
  try {
    while (reader.at < end) {
      const tag = reader.varint(end);
      if (tag === 0x12) peek.source = looseText(reader, end);
      else if (tag === 0x22) peek.type = looseText(reader, end);
      else if (tag === 0x2a) peekAttribute(reader, reader.span(end), peek);
      else reader.skip(tag, end);
    }
  } catch (error) {
    throw error === unreadable ? broken() : error;
  }
}

/** Few of our attributes have seven, eight or eleven letters; those alone are looked at, and their name comes first. */
function peekAttribute(reader: WireReader, end: number, peek: Peek): void {
  const nameLength = reader.bytes[reader.at + 1];
  if ((nameLength === 7 || nameLength === 8 || nameLength === 11) && reader.varint(end) === 0x0a) {
    const name = attributeName(reader, end);
    if (name === 'sequence') peek.sequence = peekText(reader, end, digits) ?? -1;
    else if (name === 'incarnation') peek.incarnation = peekText(reader, end, digits) ?? 0;
    else if (name === 'subject') peek.subject = peekText(reader, end, looseText) ?? '';
  }
  reader.at = end;
}

/** Undefined: its value is no text. */
function peekText<T>(
  reader: WireReader,
  end: number,
  read: (reader: WireReader, end: number) => T,
): T | undefined {
  if (reader.varint(end) !== 0x12) throw unreadable;
  const until = reader.span(end);
  return reader.at < until && reader.varint(until) === 0x1a ? read(reader, until) : undefined;
}

const names = ['subject', 'sequence', 'incarnation', 'time', 'receivedtime', 'clock', 'traceparent'] as const;
type Name = (typeof names)[number];
const namesByLength = names.map((name) => ({ name, bytes: Buffer.from(name) }));

/** null: an attribute that says nothing to us. */
function attributeName(reader: WireReader, end: number): Name | null {
  const until = reader.span(end);
  const start = reader.at;
  reader.at = until;
  for (let i = 0; i < namesByLength.length; i++) {
    const { name, bytes } = namesByLength[i]!;
    if (bytes.length === until - start && isHere(bytes, reader.bytes, start)) return name;
  }
  return null;
}

function isHere(text: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

function readAttribute(reader: WireReader, end: number, envelope: Envelope): void {
  let name: Name | null = null;
  while (reader.at < end) {
    const tag = reader.varint(end);
    if (tag === 0x0a) name = attributeName(reader, end);
    else if (tag === 0x12) {
      const until = reader.span(end);
      if (reader.at < until) assign(name, reader, until, envelope);
      reader.at = until;
    } else reader.skip(tag, end);
  }
}

function assign(name: Name | null, reader: WireReader, end: number, envelope: Envelope): void {
  const tag = reader.varint(end);
  if (tag === 0x1a) {
    if (name === 'sequence') envelope.sequence = digits(reader, end);
    else if (name === 'incarnation') envelope.incarnation = digits(reader, end);
    else if (name === 'subject' || name === 'clock' || name === 'traceparent')
      envelope[name] = looseText(reader, end);
  } else if (tag === 0x3a) {
    if (name === 'time') envelope.time = timestamp(reader, reader.span(end));
    else if (name === 'receivedtime') envelope.receivedTime = timestamp(reader, reader.span(end));
  }
}

function digits(reader: WireReader, end: number): number {
  const until = reader.span(end);
  if (reader.at === until) throw unreadable;
  let value = 0;
  for (let at = reader.at; at < until; at++) {
    const digit = reader.bytes[at]! - 48;
    if (digit < 0 || digit > 9) throw unreadable;
    value = value * 10 + digit;
  }
  if (!Number.isSafeInteger(value)) throw unreadable;
  reader.at = until;
  return value;
}

function timestamp(reader: WireReader, end: number): Instant {
  let seconds = 0;
  let nanos = 0;
  while (reader.at < end) {
    const tag = reader.varint(end);
    if (tag === 0x08) seconds = reader.int64Rounded(end);
    else if (tag === 0x10) nanos = reader.varint(end);
    else reader.skip(tag, end);
  }
  const micros = Math.trunc(nanos / 1000);
  const carried = Math.floor(micros / 1_000_000);
  const instant = instantFromSeconds(seconds + carried, micros - carried * 1_000_000);
  if (instant === null) throw unreadable;
  return instant;
}

function broken(): SlipstreamError {
  return new SlipstreamError('undecodable_record', 'the value is no CloudEvent in the protobuf format');
}
