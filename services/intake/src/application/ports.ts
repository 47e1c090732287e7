import type { Instant, Money, PageOf, PageRequest } from '@slipstream/kernel';
import type { OpsEvent, PendingEvent, SlipKind } from '@slipstream/slip';
import type { Standing } from '../domain/account/standing.ts';
import type { Review, ReviewProgress, ReviewTerms } from '../domain/review/review.ts';
import type { Gate } from '../domain/submission/gates.ts';
import type { Refusal } from '../domain/submission/refusal.ts';
import type { Submission } from '../domain/submission/submission.ts';
import type { Draft, IntakeStatus, KnownSlip } from '../domain/waiting/waiting-slip.ts';

/** An Idempotency-Key in its scope. */
export interface RequestKey {
  readonly caller: string;
  readonly operation: string;
  readonly key: string;
}

/** How long slips wait for their call after they were accepted, by route. */
export interface Lines {
  /** A slip comes in that may wait so long for its call. @returns the place that it takes, until it is accepted or leaves */
  enter(route: string, waitMsMax: number): number;
  /** It was not accepted after all. */
  leave(route: string, place: number): void;
  /** A slip that is to be called for was accepted now, and may wait so long for it: one that came in, or by another way. */
  accepted(route: string, waitMsMax: number): void;
  /** More were accepted of late than may stand in line before a slip that may wait so long. */
  isThrottled(route: string, waitMsMax: number): boolean;
  /** Milliseconds; 0: none waits, or nobody knows. */
  expectedMs(route: string): number;
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
  /** Set: people had to approve the slip before anything was held; with the slip that it repeats, if it is a repeat. */
  readonly review: Pick<ReviewTerms, 'firstSlipId'> | null;
}

/** A keyed request and what the rules say of it. */
export interface JudgedRequest extends RequestKey {
  readonly digest: Uint8Array;
  readonly reference: string;
  readonly verdict:
    | {
        readonly accepted: true;
        readonly event: PendingEvent;
        /** Set: the slip waits for people. */
        readonly waits: Waits | null;
        /** null: it passes none. */
        readonly gate: Gate | null;
      }
    | { readonly accepted: false; readonly refusal: Refusal };
}

/** What a new slip waits with; of one in review the event that asks for the review, too. */
export type Waits = { readonly draft: Draft } | { readonly review: NewReview; readonly event: PendingEvent };

/** A review that begins, with what the queue shows of its slip. */
export interface NewReview extends ReviewTerms {
  readonly slipId: string;
  readonly submission: Submission;
  readonly deadline: Instant;
}

/** What became of a judged request. Only `answered` keeps its key: for this request, or for an earlier one (not `isNew`). */
export type Settled =
  | { readonly type: 'answered'; readonly answer: EarlierUse; readonly isNew: boolean }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  /** By this slip of the same caller. */
  | { readonly type: 'reference_taken'; readonly slipId: string }
  /** Another request of the same moment had the reference, and was refused: the next look finds it free. */
  | { readonly type: 'in_flight' };

/** A slip that a command asks for. */
export interface NewSlip {
  readonly slipId: string;
  readonly caller: string;
  readonly reference: string;
  readonly clock: string;
  readonly digest: Uint8Array;
  readonly status: 'submitted' | 'in_review';
  readonly commandId: string;
  /** null: an import goes through none. */
  readonly gate: Gate | null;
}

/** Why a slip was not added. */
export type NotAdded =
  | ({ readonly type: 'taken' } & SlipOfReference)
  /** This very command was refused before. */
  | { readonly type: 'answered' }
  | { readonly type: 'refused'; readonly refusal: Refusal };

/** Who has a reference that was asked for again. */
export interface SlipOfReference {
  readonly slipId: string;
  readonly clock: string;
  /** null: the slip came over HTTP, or before commands were kept. */
  readonly commandId: string | null;
}

/** A command that was refused, with the slip id that its answer has. */
export interface RefusedCommand {
  readonly caller: string;
  readonly reference: string;
  readonly commandId: string;
  readonly slipId: string;
}

/** On one partition of the inbound topic: everything on `clock` up to `time` has come. */
export interface ClockMark {
  readonly clock: string;
  readonly time: Instant;
  readonly closed: boolean;
}

/**
 * The transaction of a consumer, one statement per call, each for a whole batch. Rows are locked in the order
 * references, refusals, marks, and sorted within each, so that two batches never wait for each other in a ring.
 */
export interface IntakeTx {
  /** Adds the slips whose (caller, reference) is free and that pass the gates, in order; gives by slip id why not the others. */
  insertSlips(slips: readonly NewSlip[]): Promise<ReadonlyMap<string, NotAdded>>;
  /** Keeps commands as refused, the first of equal ones, unless they were answered before; gives the slip ids of those. */
  keepRefusals(refused: readonly RefusedCommand[]): Promise<ReadonlySet<string>>;
  /** Adds the reviews of slips that were added with them. */
  insertReviews(reviews: readonly NewReview[]): void;
  /** Which of these clocks are closed on a partition of the inbound topic. */
  closedClocks(partition: number, clocks: readonly string[]): Promise<ReadonlySet<string>>;
  /** Moves the marks of a partition forward; an earlier time or a reopening changes nothing. */
  advanceClocks(partition: number, marks: readonly ClockMark[]): Promise<void>;
  /** Adds events to be published with the commit. */
  publish(events: readonly PendingEvent[]): void;
  /** Runs once the transaction is committed; a batch may be tried more than once. */
  afterCommit(then: () => void): void;
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
  /** What the gates would say of slips that come now, in this order, if they came; null: they would let it through. */
  askGates(gates: readonly Gate[]): Promise<readonly (Refusal | null)[]>;
  /** Which of a caller's references are taken, and by which slip; by the database's clock of that moment. */
  referencesTaken(
    caller: string,
    references: readonly string[],
  ): Promise<{ readonly now: Instant; readonly slipIds: ReadonlyMap<string, string> }>;
}

/** What becomes of a slip that was at `version`: its status, and the events that say so. */
export interface SlipChange {
  readonly slipId: string;
  readonly version: number;
  readonly status: IntakeStatus;
  /** At least one, about this slip. */
  readonly events: readonly PendingEvent[];
  readonly newReview: NewReview | null;
  /** Set: the change submits the slip, or lets it go on, and is made only if it passes. */
  readonly gate: Gate | null;
  /** Where its review stands then; null: as it stood. */
  readonly progress: ReviewProgress | null;
  /** The request that is answered by it; null: time did it. */
  readonly answers: (RequestKey & { readonly digest: Uint8Array }) | null;
}

/** Where the last event of a changed slip is, or why it was stopped at the gates. */
export type SlipChanged =
  | { readonly type: 'changed'; readonly position: EventPosition }
  | { readonly type: 'refused'; readonly refusal: Refusal };

/** What an earlier command left its slip at. */
export interface EarlierChange extends Omit<EarlierUse, 'review'> {
  readonly reference: string;
  readonly status: IntakeStatus;
  readonly version: number;
}

/** A slip that waits, as far as time decides about it. */
export type DueSlip = { readonly slipId: string; readonly version: number } & (
  | { readonly draft: Pick<Draft, 'remindAt' | 'expiresAt'>; readonly review: null }
  | { readonly draft: null; readonly review: Review }
);

/** A review as people see it. */
export interface ListedReview extends Review {
  readonly slipId: string;
  readonly version: number;
  readonly maker: string;
  readonly reference: string;
  readonly kind: SlipKind;
  readonly account: string;
  readonly counterparty: string;
  readonly amount: Money | null;
  readonly route: string;
}

/** null: any. */
export interface ReviewFilter {
  readonly status: Review['status'];
  readonly route: string | null;
  readonly kind: SlipKind | null;
  readonly account: string | null;
  readonly maker: string | null;
  readonly claimedBy: string | null;
}

/** The slips that wait for people. */
export interface WaitingStore {
  /** A slip and what a key was used for, by the database's clock of that moment; null: there is none. */
  read(
    slipId: string,
    key: RequestKey,
  ): Promise<{
    readonly now: Instant;
    readonly slip: KnownSlip | null;
    readonly earlier: EarlierChange | null;
  }>;
  /**
   * Makes changes and publishes their events, in one transaction; of slips that are not at their version any more nothing
   * is changed or said, and neither of those that the gates stop. @returns by slip what became of it
   */
  change(changes: readonly SlipChange[]): Promise<ReadonlyMap<string, SlipChanged>>;
  /** The slips about which something is due first, the earliest first, whether it is due yet or not; null: there is none. */
  nextDue(slipsMax: number): Promise<{ readonly now: Instant; readonly slips: readonly DueSlip[] } | null>;
  /** A page of reviews, the oldest first, at `now` of the database's clock. */
  reviews(filter: ReviewFilter, page: PageRequest): Promise<PageOf<ListedReview> & { readonly now: Instant }>;
  /** null: the slip never was in review. */
  review(slipId: string): Promise<{ readonly now: Instant; readonly review: ListedReview } | null>;
}

export interface AccountStore {
  /** null: nobody has said anything about the account. */
  standing(account: string): Promise<Standing | null>;
  /** Publishes what `decide` makes of the account's standing, and keeps it, in one transaction; gives what stands then. */
  change(
    account: string,
    decide: (known: Standing | null) => OpsEvent | null,
    traceparent: string | null,
  ): Promise<Standing>;
}
