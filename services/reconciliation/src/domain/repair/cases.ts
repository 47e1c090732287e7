import { sameMoney } from '@slipstream/kernel';
import { isLive, type SubmittedSlip } from '@slipstream/slip';
import { successReported } from '../watch/watched-slip.ts';
import { type Context, type Draft, perform } from './draft.ts';

/** Why people must look at a slip: the reason as stored, and the sentence they read first. */
const reasons = {
  inquiry_exhausted:
    'Every inquiry was asked, and it is still not known whether the provider executed the slip.',
  no_answer: 'The deadline passed, nobody can be asked, and no answer was reported.',
  late_success_after_refund: 'The provider reported a success after the money had been given back.',
  amount_mismatch: 'The provider moved another amount than the slip asked for.',
} as const;

export type CaseReason = keyof typeof reasons;

/** Imports open no case: their money was moved, or not, long ago. */
export function openCase(draft: Draft, reason: CaseReason, context: Context): void {
  if (!isLive(draft.slip.state.clock)) return;
  perform(draft, { type: 'open_case', reason, summary: reasons[reason] }, context);
}

export function closeCase(draft: Draft, resolution: 'returned' | 'not_executed', context: Context): void {
  perform(draft, { type: 'close_case', resolution }, context);
}

/** The two contradictions that only people can clear up. */
export function openContradictions(draft: Draft, context: Context): void {
  const { state } = draft.slip;
  if (lateSuccess(draft)) openCase(draft, 'late_success_after_refund', context);
  if (successReported(state) && otherAmount(state)) openCase(draft, 'amount_mismatch', context);
}

function otherAmount({ amount, returnedAmount }: SubmittedSlip): boolean {
  return amount !== null && returnedAmount !== null && !sameMoney(amount, returnedAmount);
}

/** Rule 7: the money was given back and the provider executed the slip all the same. */
export function lateSuccess({ slip }: Draft): boolean {
  return slip.state.refunded && successReported(slip.state);
}
