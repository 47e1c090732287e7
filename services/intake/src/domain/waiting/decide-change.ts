import type { Instant } from '@slipstream/kernel';
import { type EventOf, type SlipEvent, wallClock } from '@slipstream/slip';
import { decideReview, type ReviewWish } from '../review/decide-review.ts';
import { noProgress, type ReviewProgress, type ReviewTerms } from '../review/review.ts';
import {
  type Circumstances,
  decideSubmission,
  type SubmissionRules,
} from '../submission/decide-submission.ts';
import type { Refusal } from '../submission/refusal.ts';
import type { Draft, IntakeStatus, KnownSlip } from './waiting-slip.ts';

/** What a caller wants of a slip of theirs that waits. */
export type CallerWish =
  | { readonly type: 'confirm' }
  | { readonly type: 'withdraw'; readonly by: string; readonly reason: string };

export type Wish = CallerWish | ReviewWish;

/** Whether it is the slip's caller who may ask for it, and nobody else. */
export function isCallers(wish: Wish): wish is CallerWish {
  return wish.type === 'confirm' || wish.type === 'withdraw';
}

/** What of its circumstances a draft does not bring with it when it is confirmed. */
export type Around = Pick<Circumstances, 'waitMs' | 'repeat'>;

/** What becomes of a slip that waits. */
export interface Changed {
  readonly status: IntakeStatus;
  readonly events: readonly SlipEvent[];
  /** A review that begins; null: none does. */
  readonly newReview: (ReviewTerms & { readonly deadline: Instant }) | null;
  /** Where its review stands then; null: as it stood. */
  readonly progress: ReviewProgress | null;
}

export type ChangeDecision =
  | ({ readonly type: 'changed' } & Changed)
  /** By the rules that the submission is judged by. */
  | { readonly type: 'refused'; readonly refusal: Refusal }
  /** It is, or has ended as, what the status says: nothing is left to be decided here. */
  | { readonly type: 'too_late'; readonly status: string }
  | { readonly type: 'same_person'; readonly detail: string }
  | { readonly type: 'claimed' }
  | { readonly type: 'not_claimed' };

/** Decides what somebody wants of a slip. While a slip waits for people intake alone decides about it. */
export function decideChange(
  slip: KnownSlip,
  wish: Wish,
  now: Instant,
  rules: SubmissionRules,
  around: Around,
): ChangeDecision {
  const { status, review, draft } = slip;
  if (wish.type === 'confirm') return draft === null ? tooLate(status) : confirm(draft, now, rules, around);
  if (wish.type === 'withdraw') return withdraw(slip, wish, now);
  if (review === null) return tooLate(status);
  const decision = decideReview(review, slip.caller, wish, now);
  if (decision.type !== 'decided') return decision;
  const { event, progress } = decision;
  return { type: 'changed', status: decision.status, events: [event], newReview: null, progress };
}

function confirm(
  { submission, expiresAt }: Draft,
  now: Instant,
  rules: SubmissionRules,
  around: Around,
): ChangeDecision {
  // Whether anybody has written that down does not count.
  if (expiresAt <= now) return tooLate('expired');
  const circumstances = {
    clock: wallClock,
    receivedAt: now,
    clockClosed: false,
    throttled: false,
    ...around,
  };
  const decision = decideSubmission(submission, circumstances, rules);
  if (!decision.accepted) return { type: 'refused', refusal: decision.refusal };
  const { event, review } = decision;
  return {
    type: 'changed',
    status: review === null ? 'submitted' : 'in_review',
    events: review === null ? [event] : [event, reviewRequested(review)],
    newReview: review && { ...review, deadline: event.data.deadline },
    progress: null,
  };
}

/** What is said behind the SlipSubmitted of a slip that is to be reviewed. */
export function reviewRequested({
  rules,
  approvalsNeeded: approvals,
  dueAt,
  firstSlipId,
  outcomeDeadlineMs,
}: ReviewTerms): EventOf<'ReviewRequested'> {
  const leftMs = outcomeDeadlineMs === null ? null : BigInt(outcomeDeadlineMs);
  return {
    type: 'ReviewRequested',
    data: { rules, approvals, dueAt, firstSlipId, outcomeDeadlineMs: leftMs },
  };
}

function withdraw(
  { status, draft, review }: KnownSlip,
  { by, reason }: CallerWish & { type: 'withdraw' },
  now: Instant,
): ChangeDecision {
  const isOpen = review?.status === 'open';
  if (draft === null && !isOpen) return tooLate(status);
  if (draft !== null && draft.expiresAt <= now) return tooLate('expired');
  if (isOpen && review.dueAt <= now) return tooLate('declined');
  const { claimedBy, firstApprover, secondApprover } = review ?? noProgress;
  const before = { claimedBy, firstApprover, secondApprover };
  return {
    type: 'changed',
    status: 'withdrawn',
    events: [{ type: 'SlipWithdrawn', data: { by, reason } }],
    newReview: null,
    progress: isOpen ? { ...before, status: 'withdrawn', decidedBy: by, reason: '', detail: reason } : null,
  };
}

function tooLate(status: string): ChangeDecision {
  return { type: 'too_late', status };
}
