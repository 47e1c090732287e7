import { type Instant, instantToSeconds, microsWithin } from '@slipstream/kernel';

/** Thrown when there is no room for more. */
export const tooLong = new Error('more bytes than a message may have');

/** More than any record may have: what does not fit is refused anyway. */
const capacityBytes = 128 * 1024;
/** Beyond so many, V8's own encoder is faster than a loop. */
const loopedLengthMax = 24;

const nothing = new Uint8Array(0);

/** Writes protobuf wire bytes into one buffer, for one message at a time. */
export class WireWriter {
  readonly #bytes = Buffer.allocUnsafeSlow(capacityBytes);
  #at = 0;

  begin(): void {
    this.#at = 0;
  }

  /** A copy of what was written since {@link begin}, behind `prefix`. @throws {@link tooLong} */
  finish(prefix: Uint8Array = nothing): Buffer {
    // Bytes beyond the end went nowhere.
    if (this.#at > capacityBytes) throw tooLong;
    const copy = Buffer.allocUnsafe(prefix.length + this.#at);
    copy.set(prefix, 0);
    this.#bytes.copy(copy, prefix.length, 0, this.#at);
    return copy;
  }

  byte(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    let rest = value;
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 128)) this.#bytes[this.#at++] = (rest % 128) | 128;
    for (; rest > 127; rest >>>= 7) this.#bytes[this.#at++] = (rest & 127) | 128;
    this.#bytes[this.#at++] = rest;
  }

  /** @throws RangeError beyond 64 bits */
  int64(value: bigint): void {
    const number = Number(value);
    if (number >= 0 && number <= Number.MAX_SAFE_INTEGER) {
      this.varint(number);
      return;
    }
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`no int64: ${value}`);
    let rest = BigInt.asUintN(64, value);
    for (; rest > 127n; rest >>= 7n) this.#bytes[this.#at++] = Number(rest & 127n) | 128;
    this.#bytes[this.#at++] = Number(rest);
  }

  /** A google.protobuf.Timestamp's fields. @throws RangeError for a text that is no instant */
  timestamp(instant: Instant): void {
    const seconds = instantToSeconds(instant);
    const micros = microsWithin(instant);
    if (seconds !== 0) {
      this.byte(0x08);
      if (seconds > 0) this.varint(seconds);
      else this.int64(BigInt(seconds));
    }
    if (micros === 0) return;
    this.byte(0x10);
    this.varint(micros * 1000);
  }

  /** Length-delimited, as the following. @throws {@link tooLong} */
  view(bytes: Uint8Array): void {
    this.varint(bytes.length);
    if (this.#at + bytes.length > capacityBytes) throw tooLong;
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** @throws {@link tooLong} */
  text(value: string): void {
    if (value.length <= loopedLengthMax && this.#ascii(value)) return;
    if (this.#at + value.length * 3 + 1 > capacityBytes) throw tooLong;
    const start = this.open();
    this.#at += this.#bytes.write(value, this.#at, 'utf8');
    this.close(start);
  }

  /** False: it is no ASCII, and nothing was written. */
  #ascii(value: string): boolean {
    const { length } = value;
    const bytes = this.#bytes;
    const start = this.#at + 1;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return false;
      bytes[start + i] = code;
    }
    bytes[start - 1] = length;
    this.#at = start + length;
    return true;
  }

  /** Begins what has its length before it; to be ended by {@link close}. */
  open(): number {
    return ++this.#at;
  }

  close(start: number): void {
    const length = this.#at - start;
    const behind = this.#at;
    // One byte was left for the length.
    const more = length < 128 ? 0 : length < 16_384 ? 1 : 2;
    if (more > 0) this.#bytes.copyWithin(start + more, start, behind);
    this.#at = start - 1;
    this.varint(length);
    this.#at = behind + more;
  }
}
