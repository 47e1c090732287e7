import { sameMoney } from '@slipstream/kernel';
import { isLive, isOpen, type SlipEvent, type SubmittedSlip, successReported } from '@slipstream/slip';

/** Why people must look at a slip. Stored for ever: add, never rename. */
export type Reason = 'inquiry_exhausted' | 'no_answer' | 'late_success_after_refund' | 'amount_mismatch';

/** What we can find out by ourselves, and what resolves a case that waited for it. */
export type Resolution = 'returned' | 'not_executed';

interface ReasonText {
  /** What resolves it without people; nothing where only people can clear it up. */
  readonly resolvedBy: readonly Resolution[];
  /** The sentence that people read first. */
  summary(state: SubmittedSlip): string;
}

const reasons: Readonly<Record<Reason, ReasonText>> = {
  inquiry_exhausted: {
    resolvedBy: ['returned', 'not_executed'],
    summary: () =>
      'Every inquiry was asked, and it is still not known whether the provider executed the slip.',
  },
  no_answer: {
    resolvedBy: ['returned'],
    summary: () => 'The deadline passed, nobody can be asked, and no answer was reported.',
  },
  late_success_after_refund: {
    resolvedBy: [],
    summary: () => 'The provider reported a success after the money had been given back.',
  },
  amount_mismatch: {
    resolvedBy: [],
    summary: ({ amount: asked, returnedAmount: moved }) =>
      `The provider says that it moved ${moved?.amount} ${moved?.currency}; ` +
      `the slip asked for ${asked?.amount} ${asked?.currency} (minor units).`,
  },
};

/** Opens the case for one reason, unless it is open for it. Imports open none: their money was moved, or not, long ago. */
export function opened(state: SubmittedSlip, reason: Reason): SlipEvent[] {
  if (!isLive(state.clock) || isOpenFor(state, reason)) return [];
  return [{ type: 'CaseOpened', data: { reason, summary: reasons[reason].summary(state) } }];
}

/** Resolves the reasons that waited for this, and no other. */
export function resolved(state: SubmittedSlip, resolution: Resolution): SlipEvent[] {
  return (Object.keys(reasons) as Reason[])
    .filter((reason) => reasons[reason].resolvedBy.includes(resolution) && isOpenFor(state, reason))
    .map((reason) => ({ type: 'CaseClosed', data: { reason, resolution } }));
}

function isOpenFor(state: SubmittedSlip, reason: Reason): boolean {
  return state.case?.reasons.some((one) => one.reason === reason && isOpen(one)) ?? false;
}

/** Rule 7: the money was given back and the provider executed the slip all the same. */
export function isLateSuccess(state: SubmittedSlip): boolean {
  return state.refunded && successReported(state);
}

/** The provider says that it moved another amount than it was asked to, or another currency. */
export function isOtherAmount(state: SubmittedSlip): boolean {
  const { amount, returnedAmount } = state;
  return (
    successReported(state) && amount !== null && returnedAmount !== null && !sameMoney(amount, returnedAmount)
  );
}
