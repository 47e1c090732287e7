import { timeOn } from './clock.ts';
import { type DataOf, type Draft, type Finding } from './draft.ts';
import type { RecordedEvent } from './events.ts';

export function submitted(draft: Draft, recorded: RecordedEvent, data: DataOf<'SlipSubmitted'>): Finding {
  if (draft.submittedAt !== null) return 'duplicate';
  const finding = draft.rejection === null ? null : 'after_end';
  draft.caller = data.caller;
  draft.reference = data.reference;
  draft.kind = data.kind;
  draft.account = data.account;
  draft.counterparty = data.counterparty;
  draft.amount = data.amount;
  draft.route = data.route;
  draft.mode = data.mode;
  draft.overdraft = data.overdraft;
  draft.reviewRequired = data.reviewRequired;
  draft.deadline = data.deadline;
  draft.policy = data.policy;
  draft.submittedAt = timeOn(recorded);
  draft.provider ??= data.provider;
  return finding;
}

export function rejected(draft: Draft, recorded: RecordedEvent, data: DataOf<'SlipRejected'>): Finding {
  if (draft.rejection !== null) return 'duplicate';
  if (draft.held) {
    // Intake refuses before anything else happens; money that is held stays in the ledger's hands.
    draft.conflict = true;
    return 'contradicts';
  }
  draft.caller ??= data.caller;
  draft.reference ??= data.reference;
  draft.rejection = { reason: data.rule, detail: data.detail };
  draft.resolvedAt ??= timeOn(recorded);
  return null;
}
