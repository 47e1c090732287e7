import { createRequire } from 'node:module';
import './kafkajs-version.ts';

/** A record's headers as kafkajs gives them. A header that came several times has a list. */
export type RecordHeaders = Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>;

/**
 * What a record may carry in its headers. Our own have one; a CloudEvent in binary mode with trace context some fifteen.
 * Beyond it only the count is read: such a record is refused on every topic (`headersProblem`).
 */
export const headersCountMax = 128;
export const headersBytesMax = 64 * 1024;

/** The headers of a record that has more of them than we take; those decoded are the first of them. */
export interface CutHeaders {
  /** As the record says; a lying one may say anything. */
  readonly count: number;
  /** All of them, as they lie in the record: for each its name and value, each after its length (zigzag varint). */
  readonly raw: Buffer;
}

interface Decoder {
  readonly buffer: Buffer;
  offset: number;
  readVarInt(): number;
}

const DecoderOf = createRequire(import.meta.url)('kafkajs/src/protocol/decoder') as {
  new (bytes: Buffer): Decoder;
  readonly prototype: { readVarIntArray(this: Decoder): { reduce(): RecordHeaders } };
};

/**
 * kafkajs 2.2.4 copies all headers read so far for each further one: a record of 110 KB with 14,000 headers stands the
 * process still for minutes (K18), and `new Array` of a count that lies throws. Its record decoder is the only caller of
 * this method and only reduces what it gets; it gets the finished object.
 */
DecoderOf.prototype.readVarIntArray = function () {
  const headers = headersFrom(this);
  return { reduce: () => headers };
};

const cut = Symbol('headers cut');
type Bag = Record<string, Buffer | Buffer[]> & { [cut]?: CutHeaders };

/** The headers that end a record, from their count on. */
export function readHeaders(bytes: Buffer): RecordHeaders {
  return headersFrom(new DecoderOf(bytes));
}

function headersFrom(decoder: Decoder): RecordHeaders {
  const count = decoder.readVarInt();
  // No prototype: a header may be called `constructor` or `__proto__`.
  const headers: Bag = Object.create(null);
  if (count <= 0) return headers;
  const from = decoder.offset;
  const end = decoder.buffer.length;
  const isTooLong = count > headersCountMax || end - from > headersBytesMax;
  for (let i = 0; i < count && i < headersCountMax && decoder.offset < end; i++) {
    const name = readBytes(decoder);
    const value = readBytes(decoder);
    if (decoder.offset - from > headersBytesMax) break;
    if (name !== null && value !== null) add(headers, name.toString(), value);
  }
  if (isTooLong)
    Object.defineProperty(headers, cut, { value: { count, raw: decoder.buffer.subarray(from) } });
  return headers;
}

function readBytes(decoder: Decoder): Buffer | null {
  const length = decoder.readVarInt();
  if (length < 0) return null;
  const bytes = decoder.buffer.subarray(decoder.offset, decoder.offset + length);
  decoder.offset += length;
  return bytes;
}

function add(headers: Bag, name: string, value: Buffer): void {
  const before = headers[name];
  if (before === undefined) headers[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else headers[name] = [before, value];
}

/** The whole of headers that were cut; null when these are all there are. */
export function cutHeaders(headers: RecordHeaders | undefined): CutHeaders | null {
  return (headers as Bag | undefined)?.[cut] ?? null;
}

/** Why a record with these headers is refused, or null. */
export function headersProblem(headers: RecordHeaders | undefined): string | null {
  const more = cutHeaders(headers);
  if (more === null) return null;
  const limits = `at most ${headersCountMax} and ${headersBytesMax} bytes are taken`;
  return `too many headers: ${more.count} of ${more.raw.length} bytes together, ${limits}`;
}
