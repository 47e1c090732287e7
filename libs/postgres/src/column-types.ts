import { type Instant, instantToMicros } from '@slipstream/kernel';

/** Bytes that grow: what is written goes to `buffer` at `at`, after room was asked for. */
export interface Sink {
  buffer: Buffer;
  at: number;
  /** Makes room for so many bytes from `at` on; `buffer` may be another one afterwards. */
  reserve(bytes: number): void;
}

/** How a column's values are written in PostgreSQL's binary format (the `send` function of its type). */
export interface ColumnType<Value> {
  readonly sqlName: string;
  readonly oid: number;
  /** Writes the length and the value. @throws RangeError | TypeError for a value that the type cannot hold */
  write(sink: Sink, value: Value): void;
}

const nullLength = -1;
const two32 = 4_294_967_296;

/** Writes a value or NULL; a value that is missing altogether is a mistake. */
export function writeValue<Value>(sink: Sink, type: ColumnType<Value>, value: Value | null): void {
  if (value === null) {
    sink.reserve(4);
    sink.at = sink.buffer.writeInt32BE(nullLength, sink.at);
  } else if (value === undefined) throw new TypeError('a column has no value: NULL is null');
  else type.write(sink, value);
}

/** For values of one size; `write` puts the value at `at`. */
function fixed<Value>(
  sqlName: string,
  oid: number,
  bytes: number,
  write: (buffer: Buffer, value: Value, at: number) => void,
): ColumnType<Value> {
  return {
    sqlName,
    oid,
    write(sink, value) {
      sink.reserve(4 + bytes);
      const at = sink.buffer.writeInt32BE(bytes, sink.at);
      write(sink.buffer, value, at);
      sink.at = at + bytes;
    },
  };
}

export const bool = fixed<boolean>('bool', 16, 1, (buffer, value, at) => {
  buffer[at] = value ? 1 : 0;
});
export const int2 = fixed<number>('int2', 21, 2, (buffer, value, at) => {
  buffer.writeInt16BE(whole(value), at);
});
export const int4 = fixed<number>('int4', 23, 4, (buffer, value, at) => {
  buffer.writeInt32BE(whole(value), at);
});
/** Numbers must be safe integers. */
export const int8 = fixed<number | bigint>('int8', 20, 8, (buffer, value, at) => {
  if (typeof value === 'bigint') buffer.writeBigInt64BE(value, at);
  else writeInt8(buffer, whole(value), at);
});

function whole(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no whole number`);
  return value;
}

function writeInt8(buffer: Buffer, value: number, at: number): void {
  const high = Math.floor(value / two32);
  buffer.writeInt32BE(high, at);
  buffer.writeUInt32BE(value - high * two32, at + 4);
}

const micros2000 = 946_684_800_000_000n;
const ms2000 = 946_684_800_000;

/** Rows that are written together often have one time, and reading it costs more than writing it. */
let lastInstant: Instant = '2000-01-01T00:00:00.000000Z';
let lastMicros = 0;

function microsOf(value: Instant): number {
  if (value !== lastInstant) {
    lastMicros = (Date.parse(`${value.slice(0, 19)}Z`) - ms2000) * 1000 + Number(value.slice(20, 26));
    lastInstant = value;
  }
  return lastMicros;
}

/** Microseconds since 2000. */
export const timestamptz = fixed<Instant>('timestamptz', 1184, 8, (buffer, value, at) => {
  const micros = microsOf(value);
  if (Number.isSafeInteger(micros)) writeInt8(buffer, micros, at);
  else if (Number.isNaN(micros)) throw new RangeError(`${value} is no instant`);
  else buffer.writeBigInt64BE(instantToMicros(value) - micros2000, at);
});

/** Where the groups of a UUID's digits begin, in the text. */
const uuidGroups = [0, 9, 14, 19, 24, 37];
/** The value of a hexadecimal digit by its character; 255: it is none. */
const digitValues = new Uint8Array(128).fill(255);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  digitValues[digit.charCodeAt(0)] = value;
  digitValues[digit.toUpperCase().charCodeAt(0)] = value;
}

/** False: it is no UUID, and whatever was written counts for nothing. */
function writeUuidText(buffer: Buffer, text: string, at: number): boolean {
  if (text.length !== 36) return false;
  let to = at;
  for (let group = 0; group < 5; group++) {
    const end = uuidGroups[group + 1]! - 1;
    for (let from = uuidGroups[group]!; from < end; from += 2) {
      const high = digitValues[text.charCodeAt(from)] ?? 255;
      const low = digitValues[text.charCodeAt(from + 1)] ?? 255;
      if ((high | low) > 15) return false;
      buffer[to++] = (high << 4) | low;
    }
    if (group < 4 && text.charCodeAt(end) !== 0x2d) return false;
  }
  return true;
}

/** As text, or its 16 bytes. */
export const uuid = fixed<string | Uint8Array>('uuid', 2950, 16, (buffer, value, at) => {
  if (typeof value !== 'string') {
    if (value.length !== 16) throw new RangeError(`a UUID has 16 bytes, not ${value.length}`);
    buffer.set(value, at);
    return;
  }
  if (!writeUuidText(buffer, value, at)) throw new RangeError(`${value} is no UUID`);
});

/** Beyond so many, V8's own encoder is faster than a loop. */
const loopedLengthMax = 40;

/** How many bytes were written, all of them ASCII; -1: the text has other characters, or many. */
function writeAscii(buffer: Buffer, value: string, at: number): number {
  const { length } = value;
  if (length > loopedLengthMax) return -1;
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i);
    if (code > 127) return -1;
    buffer[at + i] = code;
  }
  return length;
}

/** `version`: the byte before the text, where the type has one. */
function textual(sqlName: string, oid: number, version: number | null): ColumnType<string> {
  const before = version === null ? 0 : 1;
  return {
    sqlName,
    oid,
    write(sink, value) {
      // A character of a JavaScript string takes at most three bytes.
      sink.reserve(4 + before + value.length * 3);
      const from = sink.at + 4;
      if (version !== null) sink.buffer[from] = version;
      const ascii = writeAscii(sink.buffer, value, from + before);
      const bytes = before + (ascii < 0 ? sink.buffer.write(value, from + before) : ascii);
      sink.buffer.writeInt32BE(bytes, sink.at);
      sink.at = from + bytes;
    },
  };
}

export const text = textual('text', 25, null);
/** JSON as text. */
export const jsonb = textual('jsonb', 3802, 1);

export const bytea: ColumnType<Uint8Array> = {
  sqlName: 'bytea',
  oid: 17,
  write(sink, value) {
    sink.reserve(4 + value.length);
    const at = sink.buffer.writeInt32BE(value.length, sink.at);
    sink.buffer.set(value, at);
    sink.at = at + value.length;
  },
};

/**
 * Bytes as a string of one character each: a short one that is kept costs the garbage collector less than a Buffer.
 * @throws RangeError for a character beyond U+00FF
 */
export const binaryString: ColumnType<string> = {
  sqlName: 'bytea',
  oid: 17,
  write(sink, value) {
    const { length } = value;
    sink.reserve(4 + length);
    const at = sink.buffer.writeInt32BE(length, sink.at);
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 255) throw new RangeError('a byte has no such character');
      sink.buffer[at + i] = code;
    }
    sink.at = at + length;
  },
};

const numericBase = 10_000n;
const numericNegative = 0x4000;

/** Whole numbers only. */
export const numeric: ColumnType<bigint> = {
  sqlName: 'numeric',
  oid: 1700,
  write(sink, value) {
    const digits: number[] = [];
    for (let rest = value < 0n ? -value : value; rest > 0n; rest /= numericBase) {
      digits.push(Number(rest % numericBase));
    }
    sink.reserve(12 + digits.length * 2);
    const { buffer } = sink;
    let at = buffer.writeInt32BE(8 + digits.length * 2, sink.at);
    at = buffer.writeInt16BE(digits.length, at);
    at = buffer.writeInt16BE(Math.max(0, digits.length - 1), at);
    at = buffer.writeUInt16BE(value < 0n ? numericNegative : 0, at);
    at = buffer.writeInt16BE(0, at);
    for (let index = digits.length - 1; index >= 0; index--) at = buffer.writeInt16BE(digits[index]!, at);
    sink.at = at;
  },
};

/** Bytes whose length must be known before they can be written. */
const aside: Sink = {
  buffer: Buffer.allocUnsafe(8_192),
  at: 0,
  reserve(bytes) {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.at + bytes, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  },
};

const arrayHeadBytes = 24;

/** An array of one dimension, only by COPY: a value of an array that a statement takes cannot be one. */
export function arrayOf<Value>(type: ColumnType<Value>): ColumnType<readonly (Value | null)[]> {
  return {
    sqlName: `${type.sqlName}[]`,
    oid: 0,
    write(sink, values) {
      aside.at = 0;
      for (const value of values) writeValue(aside, type, value);
      sink.reserve(arrayHeadBytes + aside.at);
      const { buffer } = sink;
      let at = buffer.writeInt32BE(arrayHeadBytes - 4 + aside.at, sink.at);
      at = buffer.writeInt32BE(1, at);
      at = buffer.writeInt32BE(values.includes(null) ? 1 : 0, at);
      at = buffer.writeInt32BE(type.oid, at);
      at = buffer.writeInt32BE(values.length, at);
      at = buffer.writeInt32BE(1, at);
      aside.buffer.copy(buffer, at, 0, aside.at);
      sink.at = at + aside.at;
    },
  };
}
