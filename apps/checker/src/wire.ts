/**
 * Reads protobuf's wire format by field number (https://protobuf.dev/programming-guides/encoding/). The checker has a
 * reader of its own so that a mistake in the services' one is not repeated here; the numbers are those of `proto/`.
 */
export class Message {
  readonly #fields = new Map<number, (bigint | Uint8Array)[]>();

  /** @throws Error when the bytes are no protobuf message */
  constructor(bytes: Uint8Array) {
    const reader = new Reader(bytes);
    while (!reader.atEnd) {
      const tag = reader.varint();
      const number = Number(tag >> 3n);
      const values = this.#fields.get(number) ?? [];
      values.push(reader.value(Number(tag & 7n)));
      this.#fields.set(number, values);
    }
  }

  /** Empty when the field is not set, as in proto3. */
  text(field: number): string {
    return utf8.decode(this.bytes(field));
  }

  bytes(field: number): Uint8Array {
    const value = this.#last(field);
    return value instanceof Uint8Array ? value : nothing;
  }

  /** A signed integer or an enum; 0 when it is not set. */
  int(field: number): bigint {
    const value = this.#last(field);
    return typeof value === 'bigint' ? BigInt.asIntN(64, value) : 0n;
  }

  message(field: number): Message | null {
    const value = this.#last(field);
    return value instanceof Uint8Array ? new Message(value) : null;
  }

  messages(field: number): Message[] {
    const values = this.#fields.get(field) ?? [];
    return values.flatMap((value) => (value instanceof Uint8Array ? [new Message(value)] : []));
  }

  /** A google.protobuf.Timestamp in microseconds since 1970; null when it is not set. */
  time(field: number): bigint | null {
    const stamp = this.message(field);
    return stamp && stamp.int(1) * 1_000_000n + stamp.int(2) / 1_000n;
  }

  /** The last one counts, as for every field that is not repeated. */
  #last(field: number): bigint | Uint8Array | undefined {
    return this.#fields.get(field)?.at(-1);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const nothing = new Uint8Array(0);

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new Error('a number is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Error('a number is too long');
  }

  value(wireType: number): bigint | Uint8Array {
    switch (wireType) {
      case 0:
        return this.varint();
      case 1:
        return littleEndian(this.#take(8));
      case 2:
        return this.#take(Number(this.varint()));
      case 5:
        return littleEndian(this.#take(4));
      default:
        throw new Error(`no such wire type: ${wireType}`);
    }
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Error('a field is cut off');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
