import type { Instant, Money } from '@slipstream/kernel';
import type {
  Cause,
  Evidence,
  NotReturnedBasis,
  Outcome,
  RouteMode,
  SlipEventType,
  SlipKind,
  SlipPolicy,
  Stage,
} from './events.ts';

export const slipStatuses = [
  'draft',
  'expired',
  'withdrawn',
  'submitted',
  'in_review',
  'declined',
  'rejected',
  'held',
  'dispatching',
  'acknowledged',
  'unknown',
  'overdue',
  'inquiring',
  'returned',
  'settled',
  'not_returned',
  'refunded',
  'conflicted',
] as const;
export type SlipStatus = (typeof slipStatuses)[number];

/** Why an event did not fit where it stood. It was folded all the same: an anomaly never costs a fact. */
export type AnomalyReason =
  /** The same event id as the one before; not counted in `version`. */
  | 'redelivered'
  /** A fact the slip had already. */
  | 'duplicate'
  /** Before SlipSubmitted or SlipDrafted. */
  | 'early'
  /** The step it follows is missing, or a later one is there already. */
  | 'out_of_order'
  /** The slip had ended (settled, refunded or rejected). */
  | 'after_end'
  /** It denies a recorded fact. */
  | 'contradicts'
  /** The same outcome as before, but for another amount. */
  | 'amount_differs'
  /** The same outcome and amount as before, under another reference of the provider: perhaps a second execution. */
  | 'reference_differs'
  /** Called overdue although the ending event was received in time. */
  | 'false_verdict'
  /** Of another slip: not folded. */
  | 'other_slip'
  /** On another clock than the slip's. */
  | 'other_clock'
  /** A type this version does not know: not folded. */
  | 'unknown_type';

export interface Anomaly {
  readonly eventId: string;
  readonly type: SlipEventType;
  readonly reason: AnomalyReason;
}

/** `open`: written ahead, its end not yet known. `answered`: the provider spoke, on whatever way. */
export interface Attempt {
  readonly number: number;
  readonly provider: string;
  /** Null while only the attempt's end has arrived. */
  readonly notAfter: Instant | null;
  readonly outcome: 'open' | 'not_sent' | 'unanswered' | 'answered';
}

/** One reason why people must look at a slip; resolved when it has a resolution. */
export interface CaseReason {
  readonly reason: string;
  /** The sentence that people read first. */
  readonly summary: string;
  readonly openedAt: Instant;
  readonly closedAt: Instant | null;
  readonly resolution: string | null;
}

/** People look at a slip for each of its reasons; the case is closed when all are resolved. */
export interface SlipCase {
  readonly status: 'open' | 'closed';
  readonly openedAt: Instant;
  readonly reason: string;
  readonly reasons: readonly CaseReason[];
  /** Who looks after it; null: nobody. Stays when the case is closed and opened anew. */
  readonly assignee: string | null;
  /** When it was told on because nobody had closed it; null: it was not since it was opened. */
  readonly escalatedAt: Instant | null;
}

/** What a draft says already. */
interface DraftedTerms {
  readonly caller: string;
  readonly reference: string;
  readonly kind: SlipKind;
  readonly account: string;
  readonly counterparty: string;
  readonly amount: Money | null;
  readonly route: string;
}

/** What SlipSubmitted says; null before it, but for what a draft says (SlipRejected knows caller and reference). */
export interface Terms extends DraftedTerms {
  readonly mode: RouteMode;
  readonly overdraft: boolean;
  /** How far its payer's account may go below zero, in minor units; null: as `overdraft` says. */
  readonly overdraftLimit: bigint | null;
  readonly reviewRequired: boolean;
  readonly deadline: Instant;
  readonly policy: SlipPolicy;
  readonly submittedAt: Instant;
}
type Unknown<T> = { readonly [K in keyof T]: K extends keyof DraftedTerms ? T[K] | null : null };

/** Everything else the events have told. Facts only: `status` follows from them (status.ts). */
export interface SlipFacts {
  readonly slipId: string;
  readonly clock: string;
  readonly status: SlipStatus;
  /** The provider whose answer is the outcome; before it the one named at submission or by the latest attempt. */
  readonly provider: string | null;
  readonly providerReference: string | null;
  /** Why nothing more is expected of it, with no money moved. */
  readonly rejection: { readonly reason: string; readonly detail: string } | null;
  /** How it was ended otherwise than by a refusal, before anything was held. */
  readonly endedAs: 'expired' | 'withdrawn' | 'declined' | null;
  readonly draftedAt: Instant | null;
  /** When people approved it; null also where no review was asked for. */
  readonly approvedAt: Instant | null;
  /** The highest attempt number. */
  readonly attempts: number;
  readonly lastAttempt: Attempt | null;
  /** An attempt ended otherwise than not sent: a provider may have the slip, so no other attempt is made. */
  readonly mayHaveLeft: boolean;
  /** When the first attempt was intended. */
  readonly intendedAt: Instant | null;
  /** When the attempt was intended that may have left; null while nothing did. */
  readonly dispatchedAt: Instant | null;
  readonly acknowledgedAt: Instant | null;
  readonly lastStep: string | null;
  readonly outcome: Outcome | null;
  readonly outcomeReason: string | null;
  readonly evidence: Evidence | null;
  readonly returnedAmount: Money | null;
  /** When the first answer was received (rule 6). */
  readonly returnedAt: Instant | null;
  /** What the answer came too late for; null when it came in time. */
  readonly returnedAfter: 'overdue' | 'not_returned' | 'refunded' | null;
  /** Another answer denied the first one; a success is kept above other outcomes. */
  readonly contradictedBy: Outcome | null;
  /** Inquiries asked, and the highest one answered. */
  readonly inquiries: number;
  readonly inquiriesAnswered: number;
  readonly provedNotExecuted: boolean;
  readonly held: boolean;
  readonly heldAt: Instant | null;
  readonly settled: boolean;
  readonly refunded: boolean;
  readonly compensated: boolean;
  readonly refundRefused: boolean;
  /** When the slip was first settled, refunded, rejected or ended before anything was held. */
  readonly resolvedAt: Instant | null;
  readonly overdue: boolean;
  readonly overdueAt: Instant | null;
  readonly overdueStages: readonly Stage[];
  readonly lateReturnNoted: boolean;
  readonly notReturned: NotReturnedBasis | null;
  readonly refundRequested: boolean;
  readonly cause: Cause | null;
  readonly case: SlipCase | null;
  /** Two facts exclude each other; never taken back. */
  readonly conflict: boolean;
  /** The last {@link anomaliesMax}, oldest first. */
  readonly anomalies: readonly Anomaly[];
  readonly anomalyCount: number;
  /** Events folded. */
  readonly version: number;
  readonly lastEventId: string | null;
}

/** A slip as its events tell it. `submittedAt === null` tells whether the terms are known. */
export type SlipState = SlipFacts & (Terms | Unknown<Terms>);
export type SubmittedSlip = SlipFacts & Terms;

export const anomaliesMax = 8;

export function isSubmitted(state: SlipState): state is SubmittedSlip {
  return state.submittedAt !== null;
}
