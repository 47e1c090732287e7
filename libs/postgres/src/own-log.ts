import type { Instant } from '@slipstream/kernel';

/** A record of this service's own, as it stands on the topic. */
export interface OwnRecord {
  readonly sequence: number;
  readonly incarnation: number;
  readonly offset: number;
  readonly time: Instant;
  /** SHA-256 of its value. */
  readonly digest: string;
}

/** What the topic holds of this service's own behind the relay's cursor, in log order. */
export interface OwnTail {
  readonly records: readonly OwnRecord[];
  /** The offset after the partition's last record. */
  readonly logEnd: number;
  /** Which topic of the name it is; null when nobody knows. */
  readonly topicId: string | null;
}

/** The sequencer of one partition and the relay's cursor, read after the tail. */
export interface SequencerState {
  readonly incarnation: number;
  readonly nextSeq: number;
  readonly sentSeq: number;
  /** The Kafka offset after the last record that the relay knows of. */
  readonly endOffset: number;
  /** Of the topic that it was sent to; null when it was never known. */
  readonly topicId: string | null;
  /** What the outbox would send under the numbers of the tail; numbers without a row (any more) are missing. */
  readonly digests: ReadonlyMap<number, string>;
}

/** What the topic has and the database does not know. */
export interface OlderDatabase {
  readonly kind: 'older';
  readonly why: string;
  /** The greatest number, incarnation and time on the topic, and the offset behind them. */
  readonly lastSeq: number;
  readonly lastIncarnation: number;
  readonly lastTime: Instant | null;
  readonly endOffset: number;
  /** Up to here the outbox and the topic are the same. */
  readonly sharedSeq: number;
}

export type OwnLogVerdict =
  | { readonly kind: 'current' }
  /** A crash between a send and its cursor: the records are there, the cursor can follow. */
  | { readonly kind: 'sent'; readonly sentSeq: number; readonly endOffset: number }
  | OlderDatabase
  /** The topic lost records that were acknowledged. */
  | { readonly kind: 'log_lost'; readonly why: string }
  /** The topic is another one of the same name, or the database another environment's: nothing that either has says anything of the other. */
  | { readonly kind: 'another_log'; readonly why: string };

/**
 * Compares a database with its own log (rule 4). Whatever stands on the topic was committed before it was sent, so a
 * record that the database does not know, or knows otherwise, shows a database that lost commits: a restored backup,
 * or a standby that was promoted without the last of them.
 */
export function judgeOwnLog(database: SequencerState, tail: OwnTail): OwnLogVerdict {
  const { sentSeq, nextSeq, endOffset, topicId } = database;
  if (sentSeq > 0 && topicId !== null && tail.topicId !== null && topicId !== tail.topicId) {
    return {
      kind: 'another_log',
      why: `number ${sentSeq} was sent to the topic of id ${topicId}, and this one has id ${tail.topicId}`,
    };
  }
  if (endOffset > tail.logEnd) {
    return {
      kind: 'log_lost',
      why: `the topic ends at ${tail.logEnd}, and number ${sentSeq} lay before ${endOffset}`,
    };
  }
  const reached = { seq: sentSeq, offset: endOffset };
  let why = sentSeq < nextSeq ? null : `number ${sentSeq} was sent, and ${nextSeq} would be given out next`;
  for (const record of tail.records) {
    why ??= unknownHere(database, record);
    if (why !== null) break;
    if (record.sequence !== reached.seq + 1) continue;
    reached.seq = record.sequence;
    reached.offset = record.offset + 1;
  }
  if (why !== null) return older(why, database, tail, reached.seq);
  if (reached.seq === sentSeq) return { kind: 'current' };
  return { kind: 'sent', sentSeq: reached.seq, endOffset: reached.offset };
}

function unknownHere(database: SequencerState, record: OwnRecord): string | null {
  const { sequence, incarnation, digest } = record;
  const there = `the topic has number ${sequence} of incarnation ${incarnation}`;
  if (sequence >= database.nextSeq) return `${there}, and ${database.nextSeq} would be given out next`;
  if (incarnation > database.incarnation)
    return `${there}, and this database is of incarnation ${database.incarnation}`;
  const here = database.digests.get(sequence);
  if (here === undefined)
    return sequence > database.sentSeq ? `${there}, and the outbox has no such row` : null;
  return here === digest ? null : `${there}, and the outbox has another event under this number`;
}

function older(why: string, database: SequencerState, tail: OwnTail, sharedSeq: number): OlderDatabase {
  const { records } = tail;
  const greatest = (of: (record: OwnRecord) => number, least: number) =>
    records.reduce((most, record) => Math.max(most, of(record)), least);
  return {
    kind: 'older',
    why,
    lastSeq: greatest((record) => record.sequence, database.sentSeq),
    lastIncarnation: greatest((record) => record.incarnation, database.incarnation),
    lastTime:
      records
        .map((record) => record.time)
        .toSorted()
        .at(-1) ?? null,
    endOffset: greatest((record) => record.offset + 1, database.endOffset),
    sharedSeq,
  };
}
