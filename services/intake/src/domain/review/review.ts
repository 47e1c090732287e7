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

export type ReviewRule = 'review_kind' | 'review_amount' | 'review_second_person' | 'business_duplicate';

/** The same business as an earlier slip, which people are to look at. */
export interface Repeat {
  /** null: it has no name yet. */
  readonly firstSlipId: string | null;
  /** How long they have. */
  readonly reviewMs: number;
}

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
  /** The slip that this one repeats; null: it is no repeat. */
  readonly firstSlipId: string | null;
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

/** Whether people must decide about a submission, or a repeat, and on which terms; null: they need not. */
export function reviewOf(
  submission: Submission,
  route: {
    readonly review: ReviewPolicy | null;
    readonly outcomeDeadlineMs: number;
    readonly answerMsMax: number;
  },
  now: Instant,
  repeat: Repeat | null,
): ReviewTerms | null {
  const { deadline } = submission;
  const asked = askedBy(route.review, submission);
  const { rules, deadlineMs } = asked ?? { rules: [], deadlineMs: Number.POSITIVE_INFINITY };
  if (asked === null && repeat === null) return null;
  const end = addMs(now, Math.min(deadlineMs, repeat?.reviewMs ?? Number.POSITIVE_INFINITY));
  return {
    rules: repeat === null ? rules : [...rules, 'business_duplicate'],
    approvalsNeeded: rules.includes('review_second_person') ? 2 : 1,
    requestedAt: now,
    // What is approved must still be in time to be answered.
    dueAt: deadline === null ? end : earlier(end, addMs(deadline, -route.answerMsMax)),
    outcomeDeadlineMs: deadline === null ? route.outcomeDeadlineMs : null,
    firstSlipId: repeat?.firstSlipId ?? null,
  };
}

/** By which of a route's rules, and how long people have; null: by none. */
function askedBy(
  review: ReviewPolicy | null,
  { kind, amount }: Submission,
): { readonly rules: readonly ReviewRule[]; readonly deadlineMs: number } | null {
  if (review === null || !review.kinds.includes(kind)) return null;
  const byAmount = review.fromAmount !== null;
  // Without an amount nothing is moved that a threshold could be about.
  if (byAmount && (amount === null || !reaches(amount, review.fromAmount))) return null;
  const rules: ReviewRule[] = [byAmount ? 'review_amount' : 'review_kind'];
  if (amount !== null && reaches(amount, review.secondPersonFrom)) rules.push('review_second_person');
  return { rules, deadlineMs: review.deadlineMs };
}

function reaches(
  { amount, currency }: NonNullable<Submission['amount']>,
  from: ReadonlyMap<string, bigint> | null,
): boolean {
  return from !== null && amount >= (from.get(currency) ?? 0n);
}
