import { timeOn } from './clock.ts';
import type { DataOf, RecordedEvent } from './events.ts';
import type { Finding, Folds, NextState } from './next-state.ts';

export const intakeFolds: Folds<
  | 'SlipSubmitted'
  | 'SlipRejected'
  | 'SlipDrafted'
  | 'DraftReminderDue'
  | 'DraftExpired'
  | 'SlipWithdrawn'
  | 'ReviewRequested'
  | 'ReviewClaimed'
  | 'ReviewReleased'
  | 'ApprovalGiven'
  | 'SlipApproved'
  | 'SlipDeclined'
> = {
  SlipSubmitted: submitted,
  SlipRejected: rejected,
  SlipDrafted: drafted,
  DraftReminderDue: (next) => (next.submittedAt === null ? null : 'out_of_order'),
  DraftExpired: (next, recorded) => ended(next, recorded, 'expired', 'draft_expired', ''),
  SlipWithdrawn: (next, recorded, { by, reason }) =>
    ended(next, recorded, 'withdrawn', reason || 'withdrawn', by),
  ReviewRequested: underReview,
  ReviewClaimed: underReview,
  ReviewReleased: underReview,
  ApprovalGiven: underReview,
  SlipApproved: approved,
  SlipDeclined: (next, recorded, { reason, detail }) => ended(next, recorded, 'declined', reason, detail),
};

/** Steps of a review that change nothing of the slip. */
function underReview({ reviewRequired, approvedAt, rejection }: NextState): Finding {
  if (reviewRequired !== true) return 'out_of_order';
  return approvedAt === null && rejection === null ? null : 'after_end';
}

function approved(next: NextState, recorded: RecordedEvent, data: DataOf<'SlipApproved'>): Finding {
  if (next.approvedAt !== null) return 'duplicate';
  next.approvedAt = timeOn(recorded);
  next.deadline = data.deadline;
  if (next.rejection !== null) return 'after_end';
  return next.reviewRequired === true && !next.held ? null : 'out_of_order';
}

/** What SlipSubmitted says goes before it, in whichever order they are read. */
function drafted(next: NextState, recorded: RecordedEvent, data: DataOf<'SlipDrafted'>): Finding {
  if (next.draftedAt !== null) return 'duplicate';
  next.draftedAt = timeOn(recorded);
  if (next.submittedAt !== null) return 'out_of_order';
  next.caller = data.caller;
  next.reference = data.reference;
  next.kind = data.kind;
  next.account = data.account;
  next.counterparty = data.counterparty;
  next.amount = data.amount;
  next.route = data.route;
  return next.rejection === null ? null : 'after_end';
}

function submitted(next: NextState, recorded: RecordedEvent, data: DataOf<'SlipSubmitted'>): Finding {
  if (next.submittedAt !== null) return 'duplicate';
  const finding = next.rejection === null ? null : 'after_end';
  next.caller = data.caller;
  next.reference = data.reference;
  next.kind = data.kind;
  next.account = data.account;
  next.counterparty = data.counterparty;
  next.amount = data.amount;
  next.route = data.route;
  next.mode = data.mode;
  next.overdraft = data.overdraft;
  next.overdraftLimit = data.overdraftLimit ?? null;
  next.reviewRequired = data.reviewRequired;
  // An approval that was read before it says more.
  if (next.approvedAt === null) next.deadline = data.deadline;
  next.policy = data.policy;
  next.submittedAt = timeOn(recorded);
  next.provider ??= data.provider;
  return finding;
}

function rejected(next: NextState, recorded: RecordedEvent, data: DataOf<'SlipRejected'>): Finding {
  if (next.rejection === null && !next.held) {
    next.caller ??= data.caller;
    next.reference ??= data.reference;
  }
  return ended(next, recorded, null, data.rule, data.detail);
}

/** Intake ends a slip before anything is held: money that is held stays in the ledger's hands. */
function ended(
  next: NextState,
  recorded: RecordedEvent,
  endedAs: NextState['endedAs'],
  reason: string,
  detail: string,
): Finding {
  if (next.rejection !== null) return 'duplicate';
  if (next.held) {
    next.conflict = true;
    return 'contradicts';
  }
  next.rejection = { reason, detail };
  next.endedAs = endedAs;
  next.resolvedAt ??= timeOn(recorded);
  return null;
}
