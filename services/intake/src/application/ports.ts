import type { Instant } from '@slipstream/kernel';
import type { PendingEvent } from '@slipstream/slip';
import type { Refusal } from '../domain/submission/decide-submission.ts';

/** An Idempotency-Key in its scope. */
export interface RequestKey {
  readonly caller: string;
  readonly operation: string;
  readonly key: string;
}

/** Where and when the log has an event: partition of `slips.events.v1`, number (rule 4), time. */
export interface EventPosition {
  readonly partition: number;
  readonly seq: bigint;
  readonly at: Instant;
}

/** What an idempotency key is used for. */
export interface EarlierUse {
  readonly digest: Uint8Array;
  readonly slipId: string;
  readonly position: EventPosition;
}

/** A keyed request and what the rules say of it. */
export interface JudgedRequest extends RequestKey {
  readonly digest: Uint8Array;
  readonly reference: string;
  readonly verdict:
    | { readonly accepted: true; readonly event: PendingEvent }
    | { readonly accepted: false; readonly refusal: Refusal };
}

/** What became of a judged request. Only `answered` keeps its key: for this request, or for an earlier one (not `isNew`). */
export type Settled =
  | { readonly type: 'answered'; readonly answer: EarlierUse; readonly isNew: boolean }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  /** By this slip of the same caller. */
  | { readonly type: 'reference_taken'; readonly slipId: string };

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
 * The transaction of a consumer, one statement per call, each for a whole batch. Rows are locked in the order
 * references, marks, and sorted within each, so that two batches never wait for each other in a ring.
 */
export interface IntakeTx {
  /** Adds the slips whose (caller, reference) is free, the first of equal ones; gives their ids. */
  insertSlips(slips: readonly NewSlip[]): Promise<ReadonlySet<string>>;
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
  /**
   * Settles requests with keys of their own in one transaction, in order; it is committed when the answer comes. Makes the
   * slips that were accepted and whose key and reference are free. `judge` is given the database's clock, and asked
   * again where that turns out to be another.
   * @throws HeldElsewhere when another transaction holds what one of them needs longer than `limits` allow
   */
  settle(
    judge: (now: Instant) => readonly JudgedRequest[],
    limits?: StoreLimits,
  ): Promise<readonly Settled[]>;
}
