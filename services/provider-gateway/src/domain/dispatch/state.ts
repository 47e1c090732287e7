import type { Instant, Money } from '@slipstream/kernel';
import type {
  Evidence,
  Outcome,
  PendingEvent,
  RecordedEvent,
  RouteMode,
  SlipEvent,
  SlipKind,
  SlipPolicy,
} from '@slipstream/slip';
import type { ProviderAnswer } from '../provider/answer.ts';

/**
 * `submitted` waits for the hold, `refused` got none. `held` may be sent (or, on a reported route, waits for results);
 * `intended` is being sent; `unanswered` may have left and is never sent again; `answered` has been taken by the
 * provider; `returned` has its final answer.
 */
export type DispatchStatus =
  | 'submitted'
  | 'refused'
  | 'held'
  | 'intended'
  | 'unanswered'
  | 'answered'
  | 'returned';

/** A final answer kept for later, with the time at which it was received. */
export interface KeptAnswer {
  readonly answer: Extract<ProviderAnswer, { kind: 'returned' }>;
  readonly evidence: Evidence;
  readonly receivedAt: Instant;
  /** Who gave it; one that was kept by an older release names nobody: the slip had one provider. */
  readonly provider?: string | null;
}

/**
 * How an attempt of a slip that went on to another provider ended. `unanswered`: two NOT_FOUND proved that it was not
 * executed (rule 3). `answered` and `succeeded`: its provider spoke all the same, later.
 */
export type AttemptEndWord = 'not_sent' | 'unanswered' | 'answered' | 'succeeded';

/** An attempt that the slip's row does not tell of, because a later one was made with another provider. */
export interface EarlierAttempt {
  readonly attempt: number;
  readonly provider: string;
  readonly notAfter: Instant;
  readonly end: AttemptEndWord;
  readonly firstNotFoundAt: Instant | null;
}

/** Why a provider is called, told with the intent. */
export interface Choice {
  /** A stable code. */
  readonly reason: 'preferred' | 'not_sent' | 'not_executed' | 'disabled' | 'unhealthy' | 'not_configured';
  /** For people: who else there was, and what spoke against them. */
  readonly detail: string;
}

/** The provider that is called next, and why; `choice` null: the route has no other. */
export interface Chosen {
  readonly provider: string;
  readonly choice: Choice | null;
}

/** What this service knows of a slip and has done about it. */
export interface Dispatch {
  readonly slipId: string;
  readonly partition: number;
  readonly clock: string;
  readonly caller: string;
  readonly reference: string;
  readonly kind: SlipKind;
  readonly account: string;
  readonly counterparty: string;
  readonly amount: Money | null;
  readonly route: string;
  readonly mode: RouteMode;
  /** Who is called next, or was called last; null on a reported route. */
  readonly provider: string | null;
  /** Why that one is; null where the route has no other. */
  readonly choice: Choice | null;
  /** Attempts with others, before it was handed on, in their order. */
  readonly earlier: readonly EarlierAttempt[];
  readonly deadline: Instant;
  readonly policy: SlipPolicy;
  readonly traceparent: string;
  readonly status: DispatchStatus;
  /** The number of the latest attempt; 0 when none was made. */
  readonly attempt: number;
  /** Nothing of the latest attempt is sent after it; null: none was made with this provider. */
  readonly notAfter: Instant | null;
  /** SHA-256 of what the latest attempt was to send, hex, as its intent said it; null: none was made, or by an older release. */
  readonly digest: string | null;
  /** The instance that makes the latest attempt, for people. */
  readonly owner: string | null;
  /** While `intended`: after it the attempt counts as abandoned. */
  readonly leaseUntil: Instant | null;
  /** While `held`: when the next attempt is due; null when none will be made. */
  readonly nextAt: Instant | null;
  /** An attempt ended otherwise than not sent, or the provider spoke: the slip may have left. */
  readonly sentMaybe: boolean;
  /** When the provider is asked before the deadline by its poll ladder; null: not. */
  readonly pollAt: Instant | null;
  readonly acknowledged: boolean;
  readonly lastStep: string | null;
  readonly outcome: Outcome | null;
  readonly evidence: string | null;
  readonly providerReference: string | null;
  /** What was published of the provider's final and doubtful words, so that each is told once (told.ts). */
  readonly told: readonly string[];
  /** When the first NOT_FOUND that counts for rule 3 was asked for. */
  readonly firstNotFoundAt: Instant | null;
  /** No further attempt will ever be made. */
  readonly closedForDispatch: boolean;
  readonly refunded: boolean;
  /** A success that contradicts a recorded failure: published once the refund is known (rule 7). */
  readonly lateSuccess: KeptAnswer | null;
  /** Ids of the latest reported results, oldest first. */
  readonly seenResults: readonly string[];
}

/** An event about the slip on its way out; `receivedAt` null: the evidence became durable with this very commit. */
export function pending(
  { slipId, partition, clock, traceparent }: Dispatch,
  event: SlipEvent,
  receivedAt: Instant | null = null,
): PendingEvent {
  return { slipId, partition, clock, event, receivedAt, traceparent };
}

/** An inquiry to be put on the list. */
export interface NewInquiry {
  readonly slipId: string;
  readonly n: number;
  readonly provider: string;
  readonly dueAt: Instant;
}

/** What a decision changes: the row as it is then, and what is published with it. */
export interface Step {
  readonly dispatch: Dispatch;
  readonly events: readonly PendingEvent[];
  readonly inquiries: readonly NewInquiry[];
}

export function unchanged(dispatch: Dispatch): Step {
  return { dispatch, events: [], inquiries: [] };
}

/** The row of a slip just submitted. */
export function newDispatch(
  recorded: RecordedEvent & { readonly event: Extract<SlipEvent, { type: 'SlipSubmitted' }> },
  place: { readonly partition: number; readonly traceparent: string },
): Dispatch {
  const { data } = recorded.event;
  return {
    slipId: recorded.slipId,
    partition: place.partition,
    clock: recorded.clock,
    caller: data.caller,
    reference: data.reference,
    kind: data.kind,
    account: data.account,
    counterparty: data.counterparty,
    amount: data.amount,
    route: data.route,
    mode: data.mode,
    provider: data.provider,
    choice: null,
    earlier: [],
    deadline: data.deadline,
    policy: data.policy,
    traceparent: place.traceparent,
    status: 'submitted',
    attempt: 0,
    notAfter: null,
    digest: null,
    owner: null,
    leaseUntil: null,
    nextAt: null,
    sentMaybe: false,
    pollAt: null,
    acknowledged: false,
    lastStep: null,
    outcome: null,
    evidence: null,
    providerReference: null,
    told: [],
    firstNotFoundAt: null,
    closedForDispatch: false,
    refunded: false,
    lateSuccess: null,
    seenResults: [],
  };
}
