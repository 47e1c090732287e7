import { isSlipstreamError } from '@slipstream/kernel';
import type { FetchLimits } from './consumer-options.ts';
import type { EventWalk } from './event-walk.ts';
import type { SourcePosition } from './source-position.ts';

/**
 * What libs/kafka needs from a store. libs/postgres implements it (structurally: neither library imports the other);
 * `Tx` is the store's transaction, opaque here.
 */

import type { RecordHeaders } from './record-headers.ts';

/** One record as consumed. `offset` and `sequence` stay below 2^53, so they are plain numbers. */
export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The record's timestamp, milliseconds since the epoch: the broker's append time on inbound topics. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Of a record with more of them than we take only the first; see `cutHeaders`. */
  readonly headers: RecordHeaders;
  /** Peeked on sequenced topics (rule 5); '' and -1 elsewhere. */
  readonly source: string;
  readonly sequence: number;
}

export interface Batch {
  readonly topic: string;
  readonly partition: number;
  /** New records in offset order; resends, parked and dead-lettered ones are taken out. */
  readonly records: readonly ConsumedRecord[];
  /** Records whose `seq` was seen before: skipped, shown so that the ledger can compare their bytes. */
  readonly resent: readonly ConsumedRecord[];
}

/** Where a consumer group stands on one partition, as the store knows it. */
export interface PartitionPosition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Fencing token: taken anew at each assignment. */
  readonly epoch: number;
  /** The next offset to handle; -1 when nothing was ever handled (start at the beginning). */
  readonly nextOffset: number;
  /** Of the topic that `nextOffset` counts in (`readTopicId`); null when it was never known. */
  readonly topicId: string | null;
  /** How far each source was read. */
  readonly sources: ReadonlyMap<string, SourcePosition>;
  /** Keys whose later records wait behind a dead letter. */
  readonly parkedKeys: ReadonlySet<string>;
}

/** A record set aside (rule 9). */
export interface DeadLetter {
  readonly record: ConsumedRecord;
  /** Key whose later records wait behind this one; null when the record has none. */
  readonly parkKey: string | null;
  /**
   * `too_new`: a newer release wrote it; it is read again when a service that knows it takes the partition.
   * `stranger`: its source is none of ours, or does not own its type (rule 5).
   */
  readonly reason: 'undecodable' | 'rejected' | 'too_new' | 'failed' | 'parked_behind' | 'stranger';
  readonly errorClass: string;
  readonly detail: string;
  readonly attempts: number;
  /** All headers as they lie in the record, when it has more than are decoded. */
  readonly headersRaw?: Buffer;
}

export interface Advance {
  readonly nextOffset: number;
  /** Those that moved only. */
  readonly sources: ReadonlyMap<string, SourcePosition>;
  readonly deadLetters: readonly DeadLetter[];
}

/**
 * Whose fault the store's error is. `transient`: away or busy, the same again goes well. `setup`: tables, grants or the
 * server are not as they must be, whatever record comes. `data`: the values that were written.
 */
export type StoreFailure = 'transient' | 'setup' | 'data';

export interface ConsumerStore<Tx> {
  /** Reads an error that `claim` or `commit` rejected with; null: the store has nothing to do with it. */
  classify(error: unknown): StoreFailure | null;
  /**
   * Takes the partition: raises the epoch and returns the stored position. `topicId` is the topic's now, null when nobody
   * knows; it is stored where none is, or nothing was ever handled, and given back as it is stored.
   */
  claim(group: string, topic: string, partition: number, topicId: string | null): Promise<PartitionPosition>;
  /**
   * Runs `work` and the advance in ONE transaction: compare-and-set on (nextOffset, epoch), sources, dead letters
   * (also sent to `<topic>.dlq` through the outbox), parked keys. Rejects with an error whose `name` is 'FencedError'
   * when another owner moved on; nothing is kept then. `advance: null` runs `work` under the same fence without moving.
   */
  commit(
    position: PartitionPosition,
    advance: Advance | null,
    work: (tx: Tx) => Promise<void>,
  ): Promise<void>;
  /** Where it is kept that a partition stopped, and that people have let it go on; absent: nobody can but a new process. */
  readonly stops?: Stops;
  /** As {@link commit}, for several partitions of one group and topic: all move in ONE transaction, or none does. */
  commitUnit(moves: readonly Move[], work: (tx: Tx) => Promise<void>): Promise<void>;
}

export interface Stops {
  keep(place: StoppedPlace, why: string): Promise<void>;
  /** Whether the partition is to be claimed anew, from where the store says now. */
  isOver(place: StoppedPlace): Promise<boolean>;
}

export interface StoppedPlace {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

/** How one partition moves in a unit of work. */
export interface Move {
  readonly position: PartitionPosition;
  readonly advance: Advance;
}

/** A record that cannot be handled, and why: never (`rejected`, also when absent), or not by this release (`too_new`). */
export interface Rejection {
  readonly record: ConsumedRecord;
  readonly detail: string;
  readonly reason?: 'rejected' | 'too_new';
}

/**
 * Thrown by a handler: these records cannot be handled. They are dead-lettered (a slip's own topic also parks their
 * key) and the batch runs again without them, once for all that are named. The reason follows from the cause.
 */
export class RecordRejected extends Error {
  override readonly name = 'RecordRejected';
  readonly rejections: readonly Rejection[];

  constructor(
    record: ConsumedRecord,
    detail: string,
    options?: { cause?: unknown; rejections?: readonly Rejection[] },
  ) {
    super(detail, options);
    const tooNew = isSlipstreamError(options?.cause) && options.cause.code === 'too_new';
    const own: Rejection = { record, detail, reason: tooNew ? 'too_new' : 'rejected' };
    this.rejections = options?.rejections ?? [own];
  }

  /** Throws when there is anything to reject. */
  static throwAll(rejections: readonly Rejection[]): void {
    const [first] = rejections;
    if (first) throw new RecordRejected(first.record, first.detail, { rejections });
  }
}

/** Reads every record, and rejects all that cannot be read together. */
export function readEach<T>(records: readonly ConsumedRecord[], read: (record: ConsumedRecord) => T): T[] {
  const values: T[] = [];
  const rejections: Rejection[] = [];
  for (const record of records) {
    try {
      values.push(read(record));
    } catch (error) {
      if (!(error instanceof RecordRejected)) throw error;
      rejections.push(...error.rejections);
    }
  }
  RecordRejected.throwAll(rejections);
  return values;
}

/** What one unit took of one partition. */
export interface Span {
  readonly position: PartitionPosition;
  /** The next offset to be read behind it. */
  readonly nextOffset: number;
  readonly records: number;
  /** The position when this is committed. */
  after(): PartitionPosition;
}

/** What follows from a unit. */
export interface UnitWork<Tx> {
  /** Before the transaction begins: what is asked of anybody but the database. */
  prepare?(): Promise<void>;
  /** What the transaction writes, beside the positions. */
  write(tx: Tx): Promise<void>;
  committed?(): void;
}

/**
 * A handler that follows a topic in memory, many records of several partitions at a time, and writes what follows from them
 * in one transaction: for topics where a transaction per partition, and an object per record, would cost more than the
 * work itself. It sees only records about which no rule has anything to say; every other goes to `handle`, and so does
 * what `take` refuses and whatever a failed unit held. Memory may run ahead of the store by the unit that is committed.
 */
export interface UnitHandler<Tx> {
  /** Of one unit, where the handler needs fewer than the consumer would give. */
  readonly recordsMax?: number;
  /**
   * So many units may be committed at once, no two with records of the same partition; absent: one. With more, what memory
   * holds of one partition must not depend on another's, and nothing of a partition is taken until its unit before has ended.
   */
  readonly unitsAtOnce?: number;
  /** The partition was claimed: reads what memory must hold of it. */
  open(position: PartitionPosition): Promise<void>;
  /** Memory of the partition counts no more: it was assigned away, or something failed and it is opened again. */
  close(partition: number): void;
  /** Before the first record of a span: throws what keeps this partition from moving now. */
  begin(partition: number): void;
  /** Folds the record that the walk is at; false: `handle` must have it, and memory has not changed. */
  take(partition: number, event: EventWalk): boolean;
  /** Whether anybody waits for what was taken since `unit` was last asked; absent: always. Else it may come a little later. */
  isAwaited?(): boolean;
  /**
   * How long a unit that nobody waits for waits for what somebody does, from its first record on; absent: not at all. An event
   * and the one that follows from it in another service often come that close together.
   */
  readonly patienceMs?: number;
  /** What follows from all that was taken since it was last asked, as the spans tell. Memory moves on at once. */
  unit(spans: readonly Span[]): UnitWork<Tx>;
}

/** What is done about a batch beside its transaction. */
export interface Prepared {
  committed(): void;
}

/** One topic consumed by one group. */
export interface Subscription<Tx> {
  readonly topic: string;
  readonly group: string;
  /** Whether records are our own events with source and `seq` (rule 5), or an inbound topic. */
  readonly sequenced: boolean;
  handle(tx: Tx, batch: Batch): Promise<void>;
  /**
   * Told of letters whose keys wait, in the transaction that stores them, after `handle`: for a consumer that keeps every
   * record though it cannot use it yet. They come to `handle` when they are read again. Must take any record.
   */
  setAside?(tx: Tx, partition: number, letters: readonly DeadLetter[]): Promise<void>;
  /**
   * Given: called instead of `handle` and `setAside` for a stretch of the log, with all of its letters, also those whose keys
   * do not wait: for a consumer that keeps every record in the log's order. Letters that are read again come to `handle`.
   */
  keep?(tx: Tx, batch: Batch, letters: readonly DeadLetter[]): Promise<void>;
  /**
   * Told of a batch, and of letters whose keys will wait, before the transaction that handles them begins: what is asked of
   * anybody but the database is asked here.
   */
  prepare?(position: PartitionPosition, batch: Batch, letters: readonly DeadLetter[]): Promise<Prepared>;
  /** Given: records are handled in units. */
  readonly units?: UnitHandler<Tx>;
  /** Given: for a consumer to which a record costs so much that small answers are enough to keep it busy. */
  readonly fetches?: FetchLimits;
}
