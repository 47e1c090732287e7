import type { Message } from './message.ts';
import { headOf } from './record-batch.ts';
import { headersBytesMax, type RecordHeaders, readHeaders } from './record-headers.ts';

/**
 * Walks the records of one batch in the clear, by position: no object, no text and no copy per record. Fields tell of the
 * record that `next` came to.
 */
export class RecordWalk {
  bytes: Buffer = Buffer.alloc(0);
  offset = -1;
  keyAt = 0;
  /** -1: the record has no key. */
  keyLength = -1;
  valueAt = 0;
  /** -1: the record has no value. */
  valueLength = -1;
  /** The record has no more headers than are taken (`record-headers.ts`): seen without decoding any. */
  hasFewHeaders = true;
  #head = noHead;
  #left = 0;
  #next = 0;
  #timestampAt = 0;
  #headersAt = 0;

  batch(bytes: Buffer): void {
    this.bytes = bytes;
    this.#head = headOf(bytes);
    this.#left = this.#head.count;
    this.#next = this.#head.recordsAt;
  }

  /** The offset behind the batch. */
  get nextOffset(): number {
    return this.#head.lastOffset + 1;
  }

  /** @throws RangeError when the record's own lengths lead out of it: the batch is damaged */
  next(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    const { bytes } = this;
    at = this.#next;
    const end = zigzag(bytes) + at;
    this.#next = end;
    this.#timestampAt = at + 1;
    at = this.#timestampAt;
    while (bytes[at++]! > 127);
    this.offset = this.#head.baseOffset + zigzag(bytes);
    this.keyLength = zigzag(bytes);
    this.keyAt = at;
    if (this.keyLength > 0) at += this.keyLength;
    this.valueLength = zigzag(bytes);
    this.valueAt = at;
    if (this.valueLength > 0) at += this.valueLength;
    this.#headersAt = at;
    if (!(at < end) || end > bytes.length) throw new RangeError('a record leads out of its batch');
    this.hasFewHeaders = bytes[at]! < headersByteMax && end - at <= headersBytesMax;
    return true;
  }

  key(): Buffer | null {
    return slice(this.bytes, this.keyAt, this.keyLength);
  }

  value(): Buffer | null {
    return slice(this.bytes, this.valueAt, this.valueLength);
  }

  /** The record as an object of its own, which outlives this walk's next step; its headers are decoded when asked for. */
  record(): Message {
    return new WalkedRecord(this, this.timestampMs, this.bytes.subarray(this.#headersAt, this.#next));
  }

  /** When it was appended, or made: as the topic is set up. */
  get timestampMs(): number {
    const { appendTimestampMs, firstTimestampMs } = this.#head;
    if (appendTimestampMs !== null) return appendTimestampMs;
    return firstTimestampMs + longZigzag(this.bytes, this.#timestampAt);
  }
}

class WalkedRecord implements Message {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly hasFewHeaders: boolean;
  readonly #headerBytes: Buffer;

  constructor(walk: RecordWalk, timestampMs: number, headerBytes: Buffer) {
    this.offset = walk.offset;
    this.timestampMs = timestampMs;
    this.key = walk.key();
    this.value = walk.value();
    this.hasFewHeaders = walk.hasFewHeaders;
    this.#headerBytes = headerBytes;
  }

  get headers(): RecordHeaders {
    return readHeaders(this.#headerBytes);
  }
}

/** The records of some batches, from an offset on: an answer may begin with a batch that has older ones, too. */
export function recordsOf(batches: readonly Buffer[], fromOffset: number): Message[] {
  const records: Message[] = [];
  const walk = new RecordWalk();
  for (const batch of batches) {
    walk.batch(batch);
    while (walk.next()) if (walk.offset >= fromOffset) records.push(walk.record());
  }
  return records;
}

function slice(bytes: Buffer, from: number, length: number): Buffer | null {
  return length < 0 ? null : bytes.subarray(from, from + length);
}

/** A count of headers that takes one byte is less than half of what is taken; whatever takes more is decoded. */
const headersByteMax = 128;

/** The place of the reader below: a number on its own costs nothing to hand on. */
let at = 0;

/** A zigzag varint of 32 bits at the place, which moves behind it. */
function zigzag(bytes: Buffer): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++]!;
    value |= (byte & 127) << shift;
    if (!(byte > 127)) break;
  }
  return (value >>> 1) ^ -(value & 1);
}

/** The same of 64 bits, as far as a number is exact. */
function longZigzag(bytes: Buffer, from: number): number {
  let value = 0n;
  for (let i = from, shift = 0n; shift < 70n; i++, shift += 7n) {
    value |= BigInt(bytes[i]! & 127) << shift;
    if (bytes[i]! < 128) break;
  }
  return Number((value >> 1n) ^ -(value & 1n));
}

const noHead: ReturnType<typeof headOf> = {
  ...{ baseOffset: 0, lastOffset: -1, firstTimestampMs: 0, appendTimestampMs: null, producerId: -1n },
  ...{ isTransactional: false, isControl: false, count: 0, recordsAt: 0 },
};
