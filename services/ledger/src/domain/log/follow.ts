import type { Instant } from '@slipstream/kernel';
import { evolve, type RecordedEvent, type SlipState, type SlipStatus, timeOn } from '@slipstream/slip';

/** A record of the log, its envelope read. */
export interface LogRecord {
  readonly partition: number;
  readonly offset: number;
  readonly sequence: number;
  readonly source: string;
  readonly eventId: string;
  readonly type: string;
  readonly slipId: string;
  readonly clock: string;
  readonly time: Instant;
  readonly receivedTime: Instant;
  /** The exact Kafka value. */
  readonly bytes: Buffer;
  readonly traceparent: string;
  /** null: of a type that this version does not know; it is kept and counted, but folds into nothing. */
  readonly recorded: RecordedEvent | null;
}

/** What is followed of it. */
export type FollowedRecord = Pick<
  LogRecord,
  'slipId' | 'partition' | 'offset' | 'clock' | 'time' | 'receivedTime' | 'bytes' | 'recorded'
>;

/** A slip as the log tells it so far. */
export interface FollowedSlip {
  readonly slipId: string;
  /** Where all of its events lie. */
  readonly partition: number;
  /** Offset of the first of its events. */
  readonly firstOffset: number;
  /** Events in the log, in partition order. */
  readonly version: number;
  /** Offset of the last of them. */
  readonly position: number;
  /** Rule 8's hash chain over their bytes. */
  readonly chain: Hash;
  readonly clock: string;
  /** The time of its first event: what lists sort by, and never changes. */
  readonly listedAt: Instant;
  /** null while no event came that could be read. */
  readonly state: SlipState | null;
  /** At this offset or behind it lies the first logged event that is not folded: it waits to be read again (rule 9). null: all are. */
  readonly waitsFrom: number | null;
}

/** A slip of which no event could be read yet is shown as submitted. */
export function statusOf({ state }: FollowedSlip): SlipStatus {
  return state?.status ?? 'submitted';
}

/** 32 bytes as a string of a character each: one is kept for every slip and event, which Buffers are too dear for. */
export type Hash = string;

/** SHA-256 over bytes; or over a hash, and the bytes behind it. */
export type Sha256 = (bytes: Uint8Array, before?: Hash) => Hash;

/** null: an event of an unknown type, which folds into nothing. */
export function fold(state: SlipState | null, recorded: RecordedEvent | null): SlipState | null {
  return recorded === null ? state : evolve(state, recorded);
}

/** Adds one record of the log to its slip. */
export function follow(slip: FollowedSlip | null, record: FollowedRecord, sha256: Sha256): FollowedSlip {
  const { slipId, partition, clock, recorded } = record;
  const state = fold(slip?.state ?? null, recorded);
  return {
    slipId,
    partition,
    firstOffset: slip?.firstOffset ?? record.offset,
    version: (slip?.version ?? 0) + 1,
    position: record.offset,
    chain: sha256(record.bytes, slip?.chain),
    clock: state?.clock ?? slip?.clock ?? clock,
    listedAt: slip?.listedAt ?? timeOn(record),
    state,
    waitsFrom: null,
  };
}

/** Adds a record that cannot be folded yet; those after it wait too. */
export function followUnread(
  slip: FollowedSlip | null,
  record: FollowedRecord,
  sha256: Sha256,
): FollowedSlip {
  const followed = follow(slip, { ...record, recorded: null }, sha256);
  return { ...followed, waitsFrom: slip?.waitsFrom ?? record.offset };
}

/** Whether the record was logged, but not folded. */
export function waits(slip: FollowedSlip, { offset }: LogRecord): boolean {
  return slip.waitsFrom !== null && offset >= slip.waitsFrom && offset <= slip.position;
}

/** Folds a record that was logged when it could not be read. */
export function foldLogged(slip: FollowedSlip, { offset, recorded }: LogRecord): FollowedSlip {
  const state = fold(slip.state, recorded);
  return {
    ...slip,
    clock: state?.clock ?? slip.clock,
    state,
    waitsFrom: offset < slip.position ? offset + 1 : null,
  };
}
