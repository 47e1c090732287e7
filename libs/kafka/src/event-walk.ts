import { mayPublish, ownedTypes, sources } from '@slipstream/contracts';
import { wallClock } from '@slipstream/kernel';
import { partitionOfBytes } from './partition.ts';
import { RecordWalk } from './record-walk.ts';

/**
 * Walks the records of a batch and peeks at the CloudEvents in them, in place. `peek` reads only what our own relay
 * writes; whatever looks unusual is left to the readers in contracts, so all agree about what it does read.
 */
export class EventWalk extends RecordWalk {
  /** Of our sources; '' when nothing was read. */
  source = '';
  type = '';
  sequence = -1;
  incarnation = 0;
  /** Where the subject's text is. */
  subjectAt = 0;
  subjectLength = 0;
  /** Microseconds since 1970. */
  timeMicros = -1;
  receivedMicros = -1;
  /** The event is on the wall clock. */
  isLive = true;
  /** Where the domain message is. */
  dataAt = 0;
  dataEnd = 0;
  #hasId = false;

  /** False: it looks unusual, or its source may not say this; nothing here counts then. */
  peek(): boolean {
    this.#forget();
    return this.#read(false) && this.#isWhole();
  }

  /** As {@link peek}, of the source alone, for those who only look for one. */
  peekSource(): boolean {
    this.#forget();
    return this.#read(true) && this.source !== '';
  }

  /**
   * Whether the event that was peeked at lies where its slip's events do, as `misplaced` says it in words: its key is its
   * subject, and the partition is the key's. `partitions`: of the topic; null: nobody knows.
   */
  isPlaced(partition: number, partitions: number | null): boolean {
    const { bytes, keyAt, keyLength, subjectAt, subjectLength } = this;
    if (keyLength !== subjectLength) return false;
    for (let i = 0; i < keyLength; i++) if (bytes[keyAt + i] !== bytes[subjectAt + i]) return false;
    return partitions === null || partitionOfBytes(bytes, keyAt, keyLength, partitions) === partition;
  }

  #read(isSourceEnough: boolean): boolean {
    const { bytes } = this;
    const end = this.valueAt + this.valueLength;
    for (let at = this.valueAt; at < end; ) {
      const tag = bytes[at]!;
      let length = bytes[at + 1]!;
      at += 2;
      if (length > 127) {
        length = (length & 127) | (bytes[at]! << 7);
        if (bytes[at++]! > 127) return false;
      }
      const next = at + length;
      if (!(next <= end)) return false;
      const isPassedOver = isSourceEnough && isKnown(tag) && tag !== sourceTag;
      if (!isPassedOver && !this.#field(tag, at, next)) return false;
      at = next;
    }
    return true;
  }

  #forget(): void {
    this.source = this.type = '';
    this.sequence = this.timeMicros = this.receivedMicros = -1;
    this.incarnation = this.subjectLength = this.dataAt = this.dataEnd = 0;
    this.isLive = true;
    this.#hasId = false;
  }

  #isWhole(): boolean {
    if (this.source === '' || this.type === '' || !this.#hasId) return false;
    if (this.sequence < 1 || this.subjectLength === 0 || this.timeMicros < 0) return false;
    if (this.receivedMicros < 0) this.receivedMicros = this.timeMicros;
    return mayPublish(this.source, this.type);
  }

  #field(tag: number, at: number, end: number): boolean {
    const { bytes } = this;
    switch (tag) {
      case 0x0a:
        this.#hasId = end > at;
        return true;
      case sourceTag:
        this.source = textAmong(sourcesByLength, bytes, at, end);
        return this.source !== '';
      case 0x1a:
        return true;
      case 0x22:
        // A later release may have types that this one does not know.
        this.type = textAmong(typesByLength, bytes, at, end) || bytes.toString('utf8', at, end);
        return true;
      case 0x2a:
        return this.#attribute(at, end);
      case 0x32:
        this.dataAt = at;
        this.dataEnd = end;
        return true;
      default:
        return false;
    }
  }

  /** A map entry {name: {ce_string | ce_timestamp}}, in this order and without anything else. */
  #attribute(from: number, end: number): boolean {
    const { bytes } = this;
    const nameLength = bytes[from + 1]!;
    const nameAt = from + 2;
    let at = nameAt + nameLength;
    if (bytes[from] !== 0x0a || nameLength > 127 || bytes[at] !== 0x12) return false;
    at = lengthAt(bytes, at + 1);
    if (at + lastLength !== end) return false;
    const tag = bytes[at]!;
    at = lengthAt(bytes, at + 1);
    if (at + lastLength !== end) return false;
    return this.#assign(nameAt, nameLength, tag, at, end);
  }

  #assign(nameAt: number, nameLength: number, tag: number, at: number, end: number): boolean {
    const { bytes } = this;
    const isText = tag === 0x1a;
    const isTime = tag === 0x3a;
    if (isText && isNamed(names.sequence, bytes, nameAt, nameLength)) {
      this.sequence = digits(bytes, at, end);
      return this.sequence >= 0;
    }
    if (isText && isNamed(names.incarnation, bytes, nameAt, nameLength)) {
      this.incarnation = digits(bytes, at, end);
      return this.incarnation >= 0;
    }
    if (isText && isNamed(names.subject, bytes, nameAt, nameLength)) {
      this.subjectAt = at;
      this.subjectLength = end - at;
    } else if (isText && isNamed(names.clock, bytes, nameAt, nameLength)) {
      this.isLive = at === end || isNamed(names.wall, bytes, at, end - at);
    } else if (isTime && isNamed(names.time, bytes, nameAt, nameLength)) {
      this.timeMicros = timestampMicros(bytes, at, end);
      return this.timeMicros >= 0;
    } else if (isTime && isNamed(names.receivedtime, bytes, nameAt, nameLength)) {
      this.receivedMicros = timestampMicros(bytes, at, end);
      return this.receivedMicros >= 0;
    }
    return isText || isTime;
  }
}

const sourceTag = 0x12;

/** A field that `#field` reads. */
function isKnown(tag: number): boolean {
  return tag <= 0x32 && (tag & 7) === 2 && tag >= 0x0a;
}

const names = {
  sequence: Buffer.from('sequence'),
  incarnation: Buffer.from('incarnation'),
  subject: Buffer.from('subject'),
  clock: Buffer.from('clock'),
  time: Buffer.from('time'),
  receivedtime: Buffer.from('receivedtime'),
  wall: Buffer.from(wallClock),
};

function isNamed(name: Buffer, bytes: Buffer, at: number, length: number): boolean {
  if (length !== name.length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== name[i]) return false;
  return true;
}

/** Set by {@link lengthAt}, which gives the place behind it. */
let lastLength = 0;

/** A length of one or two bytes; a longer one is called longer than anything. */
function lengthAt(bytes: Buffer, at: number): number {
  lastLength = bytes[at]!;
  if (lastLength < 128) return at + 1;
  lastLength = (lastLength & 127) | (bytes[at + 1]! << 7);
  if (bytes[at + 1]! > 127) lastLength = Number.MAX_SAFE_INTEGER;
  return at + 2;
}

/** -1: no number that is exact. */
function digits(bytes: Buffer, from: number, end: number): number {
  if (end === from || end - from > 16) return -1;
  let value = 0;
  for (let at = from; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : -1;
}

/** The year 2200: later times, and those before 1970, are left to the exact reader. */
const secondsMax = 7_258_118_400;

/** A google.protobuf.Timestamp as microseconds since 1970; -1: it looks unusual. */
export function timestampMicros(bytes: Buffer, from: number, end: number): number {
  let seconds = 0;
  let nanos = 0;
  for (let at = from; at < end; ) {
    const tag = bytes[at++];
    let value = 0;
    let factor = 1;
    for (; ; factor *= 128) {
      if (at >= end || factor > 2 ** 42) return -1;
      const byte = bytes[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    if (tag === 0x08) seconds = value;
    else if (tag === 0x10) nanos = value;
    else return -1;
  }
  if (seconds > secondsMax || nanos > 999_999_999) return -1;
  return seconds * 1_000_000 + Math.trunc(nanos / 1_000);
}

interface Known {
  readonly bytes: Buffer;
  readonly text: string;
}

function byLength(texts: readonly string[]): (readonly Known[] | undefined)[] {
  const table: Known[][] = [];
  for (const text of texts) {
    const known = { bytes: Buffer.from(text), text };
    table[text.length] = [...(table[text.length] ?? []), known];
  }
  return table;
}

/** One of the texts of a table, which is then the same object every time; '' for any other. */
function textAmong(
  table: readonly (readonly Known[] | undefined)[],
  bytes: Buffer,
  at: number,
  end: number,
): string {
  const known = table[end - at];
  if (known === undefined) return '';
  for (let k = 0; k < known.length; k++) {
    const one = known[k]!;
    // From the end: their beginnings are the same.
    let i = end - at - 1;
    while (i >= 0 && bytes[at + i] === one.bytes[i]) i--;
    if (i < 0) return one.text;
  }
  return '';
}

const sourcesByLength = byLength(Object.values(sources));
const typesByLength = byLength(ownedTypes);
