import { type Instant, must } from '@slipstream/kernel';
import type { SlipKind } from '@slipstream/slip';
import type { ListedReview, NewReview } from '../../application/ports.ts';
import type { Review, ReviewProgress, ReviewRule } from '../../domain/review/review.ts';
import type { Business } from '../../domain/submission/submission.ts';

/** A row of `review` as the statements give it, beside its slip's id and version. */
export interface ReviewRow {
  readonly now: Instant;
  readonly slip_id: string;
  readonly version: number;
  readonly maker: string;
  readonly reference: string;
  readonly kind: SlipKind;
  readonly account: string;
  readonly counterparty: string;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly route: string;
  readonly rules: ReviewRule[];
  readonly approvals_needed: 1 | 2;
  readonly requested_at: Instant;
  readonly due_at: Instant;
  readonly deadline: Instant;
  readonly outcome_deadline_ms: string | null;
  readonly first_slip_id: string | null;
  /** null: there is no such row. */
  readonly review_status: Review['status'] | null;
  readonly claimed_by: string | null;
  readonly first_approver: string | null;
  readonly second_approver: string | null;
  readonly decided_by: string | null;
  readonly reason: string;
  readonly detail: string;
}

export function toReview(row: ReviewRow): Review {
  return {
    ...{ rules: row.rules, approvalsNeeded: row.approvals_needed, deadline: row.deadline },
    ...{ requestedAt: row.requested_at, dueAt: row.due_at },
    outcomeDeadlineMs: row.outcome_deadline_ms === null ? null : Number(row.outcome_deadline_ms),
    firstSlipId: row.first_slip_id,
    status: must(row.review_status, 'a review has a status'),
    ...{ claimedBy: row.claimed_by, firstApprover: row.first_approver, secondApprover: row.second_approver },
    ...{ decidedBy: row.decided_by, reason: row.reason, detail: row.detail },
  };
}

export function toBusiness({ kind, account, counterparty, amount, currency, route }: ReviewRow): Business {
  const moved = amount === null || currency === null ? null : { amount: BigInt(amount), currency };
  return { kind, account, counterparty, amount: moved, route };
}

export function toListed(row: ReviewRow): ListedReview {
  const { reference, maker, version } = row;
  return { slipId: row.slip_id, version, maker, reference, ...toBusiness(row), ...toReview(row) };
}

/** A new row of `review`, by the names of its columns. */
export function writeReview({ slipId, submission, ...terms }: NewReview): string {
  const { caller, reference, kind, account, counterparty, amount, route } = submission;
  return JSON.stringify({
    ...{ slip_id: slipId, maker: caller, reference, kind, account, counterparty, route },
    ...{ amount: amount?.amount.toString() ?? null, currency: amount?.currency ?? null },
    ...{ rules: terms.rules, approvals_needed: terms.approvalsNeeded, deadline: terms.deadline },
    ...{ requested_at: terms.requestedAt, due_at: terms.dueAt },
    ...{ outcome_deadline_ms: terms.outcomeDeadlineMs, first_slip_id: terms.firstSlipId },
    ...{ status: 'open', reason: '', detail: '' },
  });
}

/** The columns of a row of `review` that say how far it has come. */
export function writeProgress(progress: ReviewProgress): string {
  const { status, claimedBy, firstApprover, secondApprover, decidedBy, reason, detail } = progress;
  return JSON.stringify({
    ...{ status, claimed_by: claimedBy, first_approver: firstApprover, second_approver: secondApprover },
    ...{ decided_by: decidedBy, reason, detail },
  });
}
