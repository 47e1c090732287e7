import type { Instant } from '@slipstream/kernel';
import type { PendingEvent } from '@slipstream/slip';

/** An Idempotency-Key in its scope. */
export interface RequestKey {
  readonly caller: string;
  readonly operation: string;
  readonly key: string;
}

/** A key taken for a slip that is about to be made. */
export interface KeyClaim extends RequestKey {
  readonly digest: Uint8Array;
  readonly slipId: string;
}

/** Where and when the log has an event: partition of `slips.events.v1`, number (rule 4), time. */
export interface EventPosition {
  readonly partition: number;
  readonly seq: bigint;
  readonly at: Instant;
}

/** What an idempotency key was used for before. */
export interface EarlierUse {
  readonly digest: Uint8Array;
  readonly slipId: string;
  readonly position: EventPosition;
}

export interface NewSlip {
  readonly slipId: string;
  readonly caller: string;
  readonly reference: string;
  readonly clock: string;
  readonly digest: Uint8Array;
  readonly status: 'submitted' | 'rejected';
}

export interface SlipReference {
  readonly caller: string;
  readonly reference: string;
}

export interface ReferenceOnClock extends SlipReference {
  readonly clock: string;
}

/** On one partition of the inbound topic: everything on `clock` up to `time` has come. */
export interface ClockMark {
  readonly clock: string;
  readonly time: Instant;
  readonly closed: boolean;
}

/**
 * One database transaction, one statement per call, each for a whole batch. Rows are locked in the order keys,
 * references, marks, and sorted within each, so that two batches never wait for each other in a ring.
 */
export interface IntakeTx {
  /** The database's clock, and per key (in order) what it was used for. */
  lookUp(keys: readonly RequestKey[]): Promise<{ now: Instant; answers: (EarlierUse | null)[] }>;
  /**
   * Takes keys that nobody has; gives the slip ids of those taken. Waits for other transactions that are taking the
   * same keys. @throws HeldElsewhere when one of them takes longer than the transaction may wait
   */
  claimKeys(claims: readonly KeyClaim[]): Promise<ReadonlySet<string>>;
  /** Gives keys back that were claimed for these slips in this transaction. */
  releaseKeys(slipIds: readonly string[]): Promise<void>;
  /**
   * Adds the slips whose (caller, reference) is free, the first of equal ones; gives their ids.
   * @throws HeldElsewhere as {@link claimKeys}
   */
  insertSlips(slips: readonly NewSlip[]): Promise<ReadonlySet<string>>;
  /** The slips that have these references, in order; null where none has. */
  slipsOf(references: readonly SlipReference[]): Promise<readonly (string | null)[]>;
  /** Of references that are taken: those that are bound to another clock, and were not refused on this one before. */
  refuseOnOtherClock(references: readonly ReferenceOnClock[]): Promise<readonly ReferenceOnClock[]>;
  /** Which of these clocks are closed on a partition of the inbound topic. */
  closedClocks(partition: number, clocks: readonly string[]): Promise<ReadonlySet<string>>;
  /** Moves the marks of a partition forward; an earlier time or a reopening changes nothing. */
  advanceClocks(partition: number, marks: readonly ClockMark[]): Promise<void>;
  /** Adds events to be published with the commit. */
  publish(events: readonly PendingEvent[]): void;
}

/** Another transaction holds a key or a reference that this one needs, and did not end while it could wait. */
export class HeldElsewhere extends Error {
  override readonly name = 'HeldElsewhere';
}

export interface StoreLimits {
  /** How long the transaction waits for a key or a reference in another one's hands; absent: as long as any lock. */
  readonly lockWaitMsMax?: number;
}

export interface IntakeStore {
  /** Runs `work` in a transaction; gives its result and, by slip id, the position of the last event published. */
  run<T>(
    work: (tx: IntakeTx) => Promise<T>,
    limits?: StoreLimits,
  ): Promise<{ result: T; positions: ReadonlyMap<string, EventPosition> }>;
}
