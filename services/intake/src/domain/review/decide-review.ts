import { addMs, type Instant } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';
import type { Review, ReviewProgress } from './review.ts';

/** Why people decline. Stored for ever: add, never rename. `review_deadline` is time's own. */
export const declineReasons = [
  'fraud_suspected',
  'wrong_amount',
  'wrong_payee',
  'duplicate',
  'not_authorised',
  'policy',
  'other',
] as const;
export type DeclineReason = (typeof declineReasons)[number];

/** What somebody who is not the submitter wants of a review. */
export type ReviewWish =
  | { readonly type: 'claim' | 'release'; readonly by: string }
  | { readonly type: 'approve'; readonly by: string; readonly note: string }
  | {
      readonly type: 'decline';
      readonly by: string;
      readonly reason: DeclineReason;
      readonly detail: string;
    };

export type ReviewDecision =
  | {
      readonly type: 'decided';
      readonly status: 'in_review' | 'submitted' | 'declined';
      readonly progress: ReviewProgress;
      readonly event: SlipEvent;
    }
  | { readonly type: 'too_late'; readonly status: Exclude<ReviewProgress['status'], 'open'> }
  /** Whoever submitted it must not decide about it, and nobody approves twice. */
  | { readonly type: 'same_person'; readonly detail: string }
  /** They said so before. */
  | { readonly type: 'claimed' }
  /** They have nothing to give back. */
  | { readonly type: 'not_claimed' };

/** Decides what a person wants of a review: whoever submitted the slip decides nothing, and nobody approves twice. */
export function decideReview(review: Review, maker: string, wish: ReviewWish, now: Instant): ReviewDecision {
  if (review.status !== 'open') return { type: 'too_late', status: review.status };
  // Whether anybody has written that down does not count.
  if (review.dueAt <= now) return { type: 'too_late', status: 'declined' };
  const { by } = wish;
  if (by === maker) return { type: 'same_person', detail: 'Whoever submitted it must not decide about it.' };
  switch (wish.type) {
    case 'claim':
      if (review.claimedBy === by) return { type: 'claimed' };
      return decided(review, 'in_review', { claimedBy: by }, { type: 'ReviewClaimed', data: { by } });
    case 'release':
      if (review.claimedBy !== by) return { type: 'not_claimed' };
      return decided(review, 'in_review', { claimedBy: null }, { type: 'ReviewReleased', data: { by } });
    case 'decline': {
      const { reason, detail } = wish;
      const progress = { status: 'declined', decidedBy: by, reason, detail } as const;
      return decided(review, 'declined', progress, { type: 'SlipDeclined', data: { by, reason, detail } });
    }
    case 'approve':
      return approve(review, by, wish.note, now);
    default:
      return wish satisfies never;
  }
}

/** What time makes of a review that nobody decided; null: it may still be decided. */
export function decideOverdueReview(review: Review, now: Instant): ReviewDecision | null {
  if (review.status !== 'open' || review.dueAt > now) return null;
  const [by, reason, detail] = ['intake', 'review_deadline', `Nobody decided by ${review.dueAt}.`];
  const progress = { status: 'declined', decidedBy: by, reason, detail } as const;
  return decided(review, 'declined', progress, { type: 'SlipDeclined', data: { by, reason, detail } });
}

function approve(review: Review, by: string, note: string, now: Instant): ReviewDecision {
  const { approvalsNeeded, firstApprover, outcomeDeadlineMs } = review;
  if (firstApprover === by) {
    return { type: 'same_person', detail: 'You approved it already; another person must approve it too.' };
  }
  if (approvalsNeeded === 2 && firstApprover === null) {
    const event: SlipEvent = { type: 'ApprovalGiven', data: { by, note, missing: 1 } };
    return decided(review, 'in_review', { firstApprover: by }, event);
  }
  const deadline = outcomeDeadlineMs === null ? review.deadline : addMs(now, outcomeDeadlineMs);
  const approver = firstApprover === null ? { firstApprover: by } : { secondApprover: by };
  const progress = { ...approver, status: 'approved', decidedBy: by, detail: note } as const;
  return decided(review, 'submitted', progress, { type: 'SlipApproved', data: { by, note, deadline } });
}

function decided(
  { status, claimedBy, firstApprover, secondApprover, decidedBy, reason, detail }: Review,
  slip: 'in_review' | 'submitted' | 'declined',
  change: Partial<ReviewProgress>,
  event: SlipEvent,
): ReviewDecision {
  const before = { status, claimedBy, firstApprover, secondApprover, decidedBy, reason, detail };
  return { type: 'decided', status: slip, progress: { ...before, ...change }, event };
}
