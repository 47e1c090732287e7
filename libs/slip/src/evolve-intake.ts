import { timeOn } from './clock.ts';
import type { DataOf, RecordedEvent } from './events.ts';
import type { Finding, Folds, NextState } from './next-state.ts';

export const intakeFolds: Folds<'SlipSubmitted' | 'SlipRejected'> = {
  SlipSubmitted: submitted,
  SlipRejected: rejected,
};

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
  next.reviewRequired = data.reviewRequired;
  next.deadline = data.deadline;
  next.policy = data.policy;
  next.submittedAt = timeOn(recorded);
  next.provider ??= data.provider;
  return finding;
}

function rejected(next: NextState, recorded: RecordedEvent, data: DataOf<'SlipRejected'>): Finding {
  if (next.rejection !== null) return 'duplicate';
  if (next.held) {
    // Intake refuses before anything else happens; money that is held stays in the ledger's hands.
    next.conflict = true;
    return 'contradicts';
  }
  next.caller ??= data.caller;
  next.reference ??= data.reference;
  next.rejection = { reason: data.rule, detail: data.detail };
  next.resolvedAt ??= timeOn(recorded);
  return null;
}
