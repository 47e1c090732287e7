import { isUtf8 } from 'node:buffer';

/** Thrown for bytes that cannot be read. One object: whoever catches it knows what the bytes should have been. */
export const unreadable = new Error('bytes that are not protobuf');

/**
 * A place in protobuf wire bytes (protobuf.dev/programming-guides/encoding) that moves behind what it reads. Every read
 * names the end of the message that it belongs to. @throws {@link unreadable}
 */
export class WireReader {
  readonly bytes: Buffer;
  at: number;
  /** How many messages around this place. */
  depth = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.at = 0;
  }

  /** A tag, a length or another number of at most 35 bits. */
  varint(end: number): number {
    if (this.at >= end) throw unreadable;
    const byte = this.bytes[this.at]!;
    if (byte > 127) return this.#longVarint(end);
    this.at += 1;
    return byte;
  }

  #longVarint(end: number): number {
    const value = this.#fewBytes(end, 5);
    if (value < 0) throw unreadable;
    return value;
  }

  int64(end: number): bigint {
    const value = this.#fewBytes(end, 7);
    return value < 0 ? this.#longInt64(end) : BigInt(value);
  }

  /** An int64 as the nearest number. */
  int64Rounded(end: number): number {
    const value = this.#fewBytes(end, 7);
    return value < 0 ? Number(this.#longInt64(end)) : value;
  }

  /** A varint of at most so many bytes; a number holds the 49 bits of seven. -1: it has more, or does not end. */
  #fewBytes(end: number, bytesMax: 5 | 7): number {
    let value = 0;
    const limit = Math.min(end, this.at + bytesMax);
    for (let at = this.at, factor = 1; at < limit; at++, factor *= 128) {
      const byte = this.bytes[at]!;
      value += (byte & 127) * factor;
      if (byte > 127) continue;
      this.at = at + 1;
      return value;
    }
    return -1;
  }

  #longInt64(end: number): bigint {
    let value = 0n;
    const limit = Math.min(end, this.at + 10);
    for (let at = this.at, shift = 0n; at < limit; at++, shift += 7n) {
      const byte = this.bytes[at]!;
      value |= BigInt(byte & 127) << shift;
      if (byte > 127) continue;
      this.at = at + 1;
      return BigInt.asIntN(64, value);
    }
    throw unreadable;
  }

  /** The end of a length-delimited field; its first byte is here then. */
  span(end: number): number {
    const length = this.varint(end);
    if (this.at + length > end) throw unreadable;
    return this.at + length;
  }

  /** A text in UTF-8, strictly. */
  text(end: number): string {
    const until = this.span(end);
    const start = this.at;
    this.at = until;
    if (isAscii(this.bytes, start, until)) return this.bytes.toString('latin1', start, until);
    if (!isUtf8(this.bytes.subarray(start, until))) throw unreadable;
    return this.bytes.toString('utf8', start, until);
  }

  /** A view, not a copy. */
  view(end: number): Buffer {
    const until = this.span(end);
    const view = this.bytes.subarray(this.at, until);
    this.at = until;
    return view;
  }

  skip(tag: number, end: number): void {
    const wireType = tag & 7;
    if (wireType === 2) this.at = this.span(end);
    else if (wireType === 0) this.int64(end);
    else if (wireType === 1) this.#advance(8, end);
    else if (wireType === 5) this.#advance(4, end);
    else throw unreadable;
  }

  #advance(length: number, end: number): void {
    this.at += length;
    if (this.at > end) throw unreadable;
  }
}

export function isAscii(bytes: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at++) if (bytes[at]! > 127) return false;
  return true;
}
