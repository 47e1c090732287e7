import { addMs, earlier, type Instant } from '@slipstream/kernel';
import type { SlipKind } from '@slipstream/slip';
import type { Submission } from '../submission/submission.ts';

/** Which slips of a route people decide about before anything is held. Amounts are minor units, by currency. */
export interface ReviewPolicy {
  readonly kinds: readonly SlipKind[];
  /** From which amount on; in a currency that is not named, always. null: whatever the amount. */
  readonly fromAmount: ReadonlyMap<string, bigint> | null;
  /** From which amount on two people must approve; in a currency that is not named, always. null: one is enough. */
  readonly secondPersonFrom: ReadonlyMap<string, bigint> | null;
  /** How long they have. */
  readonly deadlineMs: number;
}

export type ReviewRule = 'review_kind' | 'review_amount' | 'review_second_person';

/** What a review is about, as it was asked for. */
export interface ReviewTerms {
  readonly rules: readonly ReviewRule[];
  /** How many people must approve, the submitter not among them. */
  readonly approvalsNeeded: 1 | 2;
  readonly requestedAt: Instant;
  /** From then on nobody can approve it any more. */
  readonly dueAt: Instant;
  /** From the approval to the latest answer that is in time; null: the caller asked for a deadline, which stands. */
  readonly outcomeDeadlineMs: number | null;
}

/** How far a review has come. */
export interface ReviewProgress {
  readonly status: 'open' | 'approved' | 'declined' | 'withdrawn';
  /** Who said that they look at it. */
  readonly claimedBy: string | null;
  readonly firstApprover: string | null;
  readonly secondApprover: string | null;
  /** Of who ended it: a code if it was declined, else their words. */
  readonly decidedBy: string | null;
  readonly reason: string;
  readonly detail: string;
}

export const noProgress: ReviewProgress = {
  ...{ status: 'open', claimedBy: null, firstApprover: null, secondApprover: null },
  ...{ decidedBy: null, reason: '', detail: '' },
};

/** What a slip in review waits with; `deadline` is the one of its SlipSubmitted. */
export interface Review extends ReviewTerms, ReviewProgress {
  readonly deadline: Instant;
}

/** Whether people must decide about a submission, and on which terms; null: they need not. */
export function reviewOf(
  { kind, amount, deadline }: Submission,
  route: {
    readonly review: ReviewPolicy | null;
    readonly outcomeDeadlineMs: number;
    readonly answerMsMax: number;
  },
  now: Instant,
): ReviewTerms | null {
  const { review, outcomeDeadlineMs, answerMsMax } = route;
  if (review === null || !review.kinds.includes(kind)) return null;
  const byAmount = review.fromAmount !== null;
  // Without an amount nothing is moved that a threshold could be about.
  if (byAmount && (amount === null || !reaches(amount, review.fromAmount))) return null;
  const needsTwo = amount !== null && reaches(amount, review.secondPersonFrom);
  const rules: ReviewRule[] = [byAmount ? 'review_amount' : 'review_kind'];
  if (needsTwo) rules.push('review_second_person');
  const end = addMs(now, review.deadlineMs);
  return {
    rules,
    approvalsNeeded: needsTwo ? 2 : 1,
    requestedAt: now,
    // What is approved must still be in time to be answered.
    dueAt: deadline === null ? end : earlier(end, addMs(deadline, -answerMsMax)),
    outcomeDeadlineMs: deadline === null ? outcomeDeadlineMs : null,
  };
}

function reaches(
  { amount, currency }: NonNullable<Submission['amount']>,
  from: ReadonlyMap<string, bigint> | null,
): boolean {
  return from !== null && amount >= (from.get(currency) ?? 0n);
}
