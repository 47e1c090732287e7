import { type Instant, instantToMicros } from '@slipstream/kernel';

/** What the relay adds to an event's bytes when it sends them (rule 4). */
export interface Stamp {
  readonly sequence: string;
  /** Of the sequencer that gave the number; '0' or absent: it is older than incarnations, and none is written. */
  readonly incarnation?: string;
  readonly time: Instant;
  readonly receivedTime: Instant;
}

/** No stamp adds more bytes. */
export const stampBytesMax = 160;

/**
 * Appends `sequence`, `incarnation`, `time` and `receivedtime` to an event encoded without them. Protobuf reads fields in any
 * order, so the writer encodes once, before the sequencer row is taken, and a resend gives the same bytes.
 */
export function stampEnvelope(body: Uint8Array, stamp: Stamp): Buffer {
  const sequence = Buffer.from(stamp.sequence, 'latin1');
  const time = timestampBytes(stamp.time);
  const received = stamp.receivedTime === stamp.time ? time : timestampBytes(stamp.receivedTime);
  const bytes = Buffer.allocUnsafe(body.length + stampBytesMax);
  bytes.set(body, 0);
  let at = attribute(bytes, body.length, 'sequence', 0x1a, sequence);
  if (stamp.incarnation !== undefined && stamp.incarnation !== '0') {
    at = attribute(bytes, at, 'incarnation', 0x1a, Buffer.from(stamp.incarnation, 'latin1'));
  }
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
