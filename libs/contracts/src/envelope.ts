import { type Instant, instantFromMicros, instantToMicros, SlipstreamError } from '@slipstream/kernel';

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
    time: '',
    receivedTime: '',
    clock: '',
    traceparent: '',
    data: empty,
  };
  const reader = new Reader(bytes, 0, bytes.length);
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
  sequence: number;
}

/** Reads source and sequence only; throws `undecodable_record` as {@link readEnvelope} does. */
export function peekEnvelope(bytes: Buffer): Peek {
  const peek: Peek = { source: '', sequence: -1 };
  const reader = new Reader(bytes, 0, bytes.length);
  while (reader.more()) {
    const tag = reader.tag();
    if (tag === 0x12) peek.source = reader.text();
    else if (tag === 0x2a) {
      const entry = reader.message();
      // Only "sequence" has eight letters among our attributes; the name is checked when the length fits.
      if (entry.keyLengthIs(8) && entry.tag() === 0x0a && entry.text() === 'sequence') {
        peek.sequence = readSequence(entry);
      }
    } else reader.skip();
  }
  if (peek.source === '')
    throw new SlipstreamError('undecodable_record', 'the value is no CloudEvent: source is missing');
  return peek;
}

function readSequence(entry: Reader): number {
  entry.expect(0x12);
  const value = entry.message();
  return value.more() && value.tag() === 0x1a ? value.digits() : -1;
}

function readAttribute(entry: Reader, envelope: Envelope): void {
  let name = '';
  while (entry.more()) {
    const tag = entry.tag();
    if (tag === 0x0a) name = entry.text();
    else if (tag === 0x12) assign(name, entry.message(), envelope);
    else entry.skip();
  }
}

function assign(name: string, value: Reader, envelope: Envelope): void {
  if (!value.more()) return;
  const tag = value.tag();
  if (tag === 0x1a) {
    if (name === 'sequence') envelope.sequence = value.digits();
    else if (name === 'subject' || name === 'clock' || name === 'traceparent') envelope[name] = value.text();
  } else if (tag === 0x3a) {
    if (name === 'time') envelope.time = value.message().timestamp();
    else if (name === 'receivedtime') envelope.receivedTime = value.message().timestamp();
  }
}

/** A cursor over protobuf wire bytes (protobuf.dev/programming-guides/encoding). */
class Reader {
  readonly #buffer: Buffer;
  readonly #end: number;
  #at: number;
  #lastWire = 0;

  constructor(buffer: Buffer, start: number, end: number) {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
  }

  more(): boolean {
    return this.#at < this.#end;
  }

  tag(): number {
    const tag = this.#varint();
    this.#lastWire = tag & 7;
    return tag;
  }

  expect(tag: number): void {
    if (this.tag() !== tag) throw broken();
  }

  /** Whether this map entry's key has `length` bytes; moves nothing. */
  keyLengthIs(length: number): boolean {
    return this.#buffer[this.#at + 1] === length;
  }

  text(): string {
    const [start, end] = this.#span();
    return this.#buffer.toString('utf8', start, end);
  }

  bytes(): Uint8Array {
    const [start, end] = this.#span();
    return this.#buffer.subarray(start, end);
  }

  message(): Reader {
    const [start, end] = this.#span();
    return new Reader(this.#buffer, start, end);
  }

  digits(): number {
    const [start, end] = this.#span();
    let value = 0;
    for (let i = start; i < end; i++) {
      const digit = this.#buffer[i]! - 48;
      if (digit < 0 || digit > 9) throw broken();
      value = value * 10 + digit;
    }
    if (start === end || !Number.isSafeInteger(value)) throw broken();
    return value;
  }

  timestamp(): Instant {
    let seconds = 0n;
    let nanos = 0;
    while (this.more()) {
      const tag = this.tag();
      if (tag === 0x08) seconds = BigInt.asIntN(64, this.#varint64());
      else if (tag === 0x10) nanos = this.#varint();
      else this.skip();
    }
    try {
      return instantFromMicros(seconds * 1_000_000n + BigInt(Math.trunc(nanos / 1000)));
    } catch {
      throw broken();
    }
  }

  skip(): void {
    if (this.#lastWire === 2) this.#span();
    else if (this.#lastWire === 0) this.#varint64();
    else if (this.#lastWire === 1) this.#advance(8);
    else if (this.#lastWire === 5) this.#advance(4);
    else throw broken();
  }

  #span(): [number, number] {
    const length = this.#varint();
    const start = this.#at;
    this.#advance(length);
    return [start, this.#at];
  }

  #advance(length: number): void {
    this.#at += length;
    if (this.#at > this.#end || length < 0) throw broken();
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.#at >= this.#end) throw broken();
      const byte = this.#buffer[this.#at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw broken();
  }

  #varint64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.#at >= this.#end) throw broken();
      const byte = this.#buffer[this.#at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw broken();
  }
}

function broken(): SlipstreamError {
  return new SlipstreamError('undecodable_record', 'the value is no CloudEvent in the protobuf format');
}

/** What the relay adds to an event's bytes when it sends them (rule 4). */
export interface Stamp {
  readonly sequence: string;
  readonly time: Instant;
  readonly receivedTime: Instant;
}

/**
 * Appends `sequence`, `time` and `receivedtime` to an event encoded without them. Protobuf reads fields in any
 * order, so the writer encodes once, before the sequencer row is taken, and a resend gives the same bytes.
 */
export function stampEnvelope(body: Uint8Array, stamp: Stamp): Buffer {
  const sequence = Buffer.from(stamp.sequence, 'latin1');
  const time = timestampBytes(stamp.time);
  const received = stamp.receivedTime === stamp.time ? time : timestampBytes(stamp.receivedTime);
  const bytes = Buffer.allocUnsafe(
    body.length + 20 + sequence.length + 16 + time.length + 24 + received.length,
  );
  bytes.set(body, 0);
  let at = attribute(bytes, body.length, 'sequence', 0x1a, sequence);
  at = attribute(bytes, at, 'time', 0x3a, time);
  at = attribute(bytes, at, 'receivedtime', 0x3a, received);
  return bytes.subarray(0, at);
}

/** Writes one entry of field 5; every length here is below 128, so each is one byte. */
function attribute(bytes: Buffer, at: number, name: string, valueTag: number, value: Uint8Array): number {
  let i = at;
  bytes[i++] = 0x2a;
  bytes[i++] = name.length + value.length + 6;
  bytes[i++] = 0x0a;
  bytes[i++] = name.length;
  i += bytes.write(name, i, 'latin1');
  bytes[i++] = 0x12;
  bytes[i++] = value.length + 2;
  bytes[i++] = valueTag;
  bytes[i++] = value.length;
  bytes.set(value, i);
  return i + value.length;
}

function timestampBytes(instant: Instant): Uint8Array {
  const micros = instantToMicros(instant);
  const within = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const out: number[] = [];
  const seconds = BigInt.asUintN(64, (micros - within) / 1_000_000n);
  if (seconds !== 0n) {
    out.push(0x08);
    pushVarint(out, seconds);
  }
  if (within !== 0n) {
    out.push(0x10);
    pushVarint(out, within * 1000n);
  }
  return Uint8Array.from(out);
}

function pushVarint(out: number[], value: bigint): void {
  let rest = value;
  while (rest >= 0x80n) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
}
