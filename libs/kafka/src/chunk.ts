import { mayPublish, type Peek, peekEnvelope } from '@slipstream/contracts';
import { keyText } from './dead-letter.ts';
import type { Message } from './message.ts';
import { misplaced } from './misplaced.ts';
import type { ConsumedRecord, DeadLetter, PartitionPosition } from './ports.ts';
import { cutHeaders, headersProblem } from './record-headers.ts';
import { digestOf, MovingPosition, succession } from './source-position.ts';

/** Why a record that failed before is now taken out of the chunk. */
export type SetAside = Pick<DeadLetter, 'reason' | 'errorClass' | 'detail' | 'attempts'>;

/** What one transaction will do: the fetched messages from `from` up to `end`, sorted by what becomes of them. */
export interface Chunk {
  readonly records: ConsumedRecord[];
  readonly resent: ConsumedRecord[];
  readonly deadLetters: DeadLetter[];
  /** Of the sources that moved. */
  readonly sources: Map<string, MovingPosition>;
  /** Keys that this chunk parks. */
  readonly parked: Set<string>;
  nextOffset: number;
  /** Index of the first message not looked at. */
  end: number;
  /** Set when records are missing before `messages[end]`, or it forks its source's history: the partition must stop there. */
  lost: string | null;
}

export interface ChunkPlan {
  readonly position: PartitionPosition;
  readonly sequenced: boolean;
  readonly messages: readonly Message[];
  readonly from: number;
  readonly recordsMax: number;
  readonly setAside: ReadonlyMap<number, SetAside>;
}

/** Sorts messages by rule 5 and rule 9; decides nothing by time and changes nothing. */
export function planChunk({ position, sequenced, messages, from, recordsMax, setAside }: ChunkPlan): Chunk {
  const chunk: Chunk = {
    records: [],
    resent: [],
    deadLetters: [],
    sources: new Map(),
    parked: new Set(),
    nextOffset: position.nextOffset,
    end: from,
    lost: null,
  };
  const limit = Math.min(messages.length, from + recordsMax);
  for (; chunk.end < limit; chunk.end++) {
    const message = messages[chunk.end]!;
    const { offset } = message;
    if (offset < chunk.nextOffset) continue;
    const record = new PlannedRecord(position, message);
    const refusal = message.hasFewHeaders ? null : headersProblem(record.headers);
    if (refusal !== null) {
      const headersRaw = cutHeaders(record.headers)!.raw;
      chunk.deadLetters.push({ ...refused(record, 'rejected', 'too_many_headers', refusal), headersRaw });
      chunk.nextOffset = offset + 1;
      continue;
    }
    if (sequenced && !isNext(record, position, chunk, setAside)) {
      if (chunk.lost !== null) break;
      chunk.nextOffset = offset + 1;
      continue;
    }
    chunk.nextOffset = offset + 1;
    if (setAside.size > 0 || chunk.parked.size > 0 || position.parkedKeys.size > 0) {
      const letter = letterFor(record, position, chunk, setAside, sequenced);
      if (letter) {
        setAsideRecord(chunk, letter);
        continue;
      }
    }
    chunk.records.push(record);
  }
  return chunk;
}

/** Rule 5. False: not a record for the handler (a resend, a stranger's, undecodable, misplaced, or `chunk.lost` says what is missing). */
function isNext(
  record: PlannedRecord,
  position: PartitionPosition,
  chunk: Chunk,
  setAside: ReadonlyMap<number, SetAside>,
): boolean {
  const peeked = peek(record.value);
  if (typeof peeked !== 'string' && !mayPublish(peeked.source, peeked.type)) {
    const detail = `${peeked.source.slice(0, 200)} may not publish ${peeked.type.slice(0, 200)}`;
    chunk.deadLetters.push(refused(record, 'stranger', 'stranger', detail));
    return false;
  }
  if (typeof peeked === 'string' || peeked.sequence < 1) {
    setAsideRecord(chunk, {
      record,
      parkKey: keyText(record.key),
      reason: 'undecodable',
      errorClass: 'undecodable_record',
      detail: typeof peeked === 'string' ? peeked : 'the event has no sequence',
      attempts: 1,
    });
    return false;
  }
  const { source, sequence, incarnation } = peeked;
  record.source = source;
  record.sequence = sequence;
  const digest = digestOf(record.value!);
  const moved = chunk.sources.get(source);
  // Nearly every record: the next number of a source that moved in this chunk.
  if (moved !== undefined && sequence === moved.sequence + 1 && incarnation === moved.incarnation) {
    moved.move(incarnation, digest);
    return isPlaced(record, peeked, chunk);
  }
  const known = moved ?? position.sources.get(source);
  const follows = succession(known, { sequence, incarnation, digest });
  if ('why' in follows) {
    chunk.lost = `offset ${record.offset} carries seq ${sequence} of ${source}, ${follows.why}`;
    return false;
  }
  if (follows.kind === 'resent') {
    const aside = setAside.get(record.offset);
    // Handled before, so its key goes on: only this copy is set aside.
    if (aside) chunk.deadLetters.push({ record, parkKey: null, ...aside });
    else chunk.resent.push(record);
    return false;
  }
  const moving = moved ?? new MovingPosition(known);
  moving.move(incarnation, digest);
  chunk.sources.set(source, moving);
  return isPlaced(record, peeked, chunk);
}

/** False: set aside. What comes of its slip waits, whatever key this one record has. */
function isPlaced(record: PlannedRecord, { subject }: Peek, chunk: Chunk): boolean {
  const detail = misplaced(record, subject);
  if (detail === null) return true;
  const parkKey = subject === '' ? keyText(record.key) : keyText(Buffer.from(subject));
  setAsideRecord(chunk, {
    record,
    parkKey,
    reason: 'rejected',
    errorClass: 'misplaced',
    detail,
    attempts: 1,
  });
  return false;
}

/** What a consumer must know of every event, or what is wrong with it. */
function peek(value: Buffer | null): Peek | string {
  if (value === null) return 'the record has no value';
  try {
    return peekEnvelope(value);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function letterFor(
  record: ConsumedRecord,
  position: PartitionPosition,
  chunk: Chunk,
  setAside: ReadonlyMap<number, SetAside>,
  sequenced: boolean,
): DeadLetter | null {
  // Inbound commands stand each for itself, and callers share no key space: there nothing waits behind a dead letter.
  const parkKey = sequenced ? keyText(record.key) : null;
  if (parkKey !== null && (chunk.parked.has(parkKey) || position.parkedKeys.has(parkKey))) {
    const detail = 'an earlier record of this key is a dead letter';
    return { record, parkKey, reason: 'parked_behind', errorClass: '', detail, attempts: 0 };
  }
  const aside = setAside.get(record.offset);
  return aside ? { record, parkKey, ...aside } : null;
}

/** Not of our making, so it says nothing about the slip of its key: no number is counted and nothing waits behind it. */
function refused(
  record: ConsumedRecord,
  reason: DeadLetter['reason'],
  errorClass: string,
  detail: string,
): DeadLetter {
  return { record, parkKey: null, reason, errorClass, detail, attempts: 1 };
}

function setAsideRecord(chunk: Chunk, letter: DeadLetter): void {
  chunk.deadLetters.push(letter);
  if (letter.parkKey !== null) chunk.parked.add(letter.parkKey);
}

/** A record on its way to the handler; its headers are decoded when somebody asks, which for most is never. */
class PlannedRecord implements ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  source = '';
  sequence = -1;
  readonly #message: Message;

  constructor({ topic, partition }: PartitionPosition, message: Message) {
    this.topic = topic;
    this.partition = partition;
    this.offset = message.offset;
    this.timestampMs = message.timestampMs;
    this.key = message.key;
    this.value = message.value;
    this.#message = message;
  }

  get headers(): ConsumedRecord['headers'] {
    return this.#message.headers;
  }
}

/** The position after the chunk was committed. */
export function positionAfter(position: PartitionPosition, chunk: Chunk): PartitionPosition {
  const settled = [...chunk.sources].map(([source, moved]) => [source, moved.settled()] as const);
  return {
    ...position,
    nextOffset: chunk.nextOffset,
    sources: chunk.sources.size === 0 ? position.sources : new Map([...position.sources, ...settled]),
    parkedKeys:
      chunk.parked.size === 0 ? position.parkedKeys : new Set([...position.parkedKeys, ...chunk.parked]),
  };
}
