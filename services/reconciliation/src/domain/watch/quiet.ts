import type { SlipEvent } from '@slipstream/slip';

/**
 * What an event does to a slip about which nothing was ever to be decided. `loud`: something may follow from it, so the
 * slip is looked at with all that is known of it. `quiet.spec.ts` holds this against `decide`.
 */
export type Quietness =
  /** Begins the slip. */
  | 'submits'
  /** Ends a review: the deadline is another one. Of a slip that is not known to be in review it is loud. */
  | 'approves'
  /** The ledger has answered: the slip waits for its deadline alone. */
  | 'holds'
  /** Is noted, and nothing else. */
  | 'follows'
  /** A success in time, of the amount that was asked for: no deadline is waited for any more. Any other is loud. */
  | 'returns'
  /** The end of a slip that returned in time: nothing that may still come changes anything. Before that it is loud. */
  | 'settles'
  /** We said it ourselves, and need not say it again. */
  | 'tells'
  | 'loud';

/** Closed: a new event type must be thought about. */
export const quietness: { readonly [Type in SlipEvent['type']]: Quietness } = {
  SlipSubmitted: 'submits',
  SlipRejected: 'loud',
  SlipDrafted: 'loud',
  DraftReminderDue: 'loud',
  DraftExpired: 'loud',
  SlipWithdrawn: 'loud',
  ReviewRequested: 'follows',
  ReviewClaimed: 'follows',
  ReviewReleased: 'follows',
  ApprovalGiven: 'follows',
  SlipApproved: 'approves',
  SlipDeclined: 'loud',
  DispatchIntended: 'follows',
  DispatchNotSent: 'follows',
  DispatchUnanswered: 'follows',
  SlipAcknowledged: 'follows',
  SlipProgressed: 'follows',
  SlipReturned: 'returns',
  AnswerDoubted: 'loud',
  InquiryAnswered: 'loud',
  CallbackRefused: 'loud',
  FundsHeld: 'holds',
  HoldRefused: 'loud',
  SlipSettled: 'settles',
  SlipRefunded: 'loud',
  RefundRefused: 'loud',
  PostingCompensated: 'loud',
  SuspenseDecided: 'loud',
  SlipOverdue: 'loud',
  SlipDiagnosed: 'loud',
  InquiryRequested: 'loud',
  RefundRequested: 'loud',
  SlipNotReturned: 'loud',
  SlipSlow: 'tells',
  StageLate: 'tells',
  LateReturnFound: 'loud',
  CaseOpened: 'loud',
  CaseClosed: 'loud',
  // We say them of a slip wherever it is kept; nothing follows here before the gateway's answer does.
  StatementLineMatched: 'loud',
  BreakOpened: 'loud',
  BreakResolved: 'loud',
  CaseNoted: 'loud',
  CaseAssigned: 'loud',
};
