import { type Instant, instantFromMicros, SlipstreamError } from '@slipstream/kernel';

/** A cursor over protobuf wire bytes (protobuf.dev/programming-guides/encoding). */
export class WireReader {
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

  message(): WireReader {
    const [start, end] = this.#span();
    return new WireReader(this.#buffer, start, end);
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
