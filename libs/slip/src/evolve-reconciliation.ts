import { timeOn } from './clock.ts';
import { type DataOf, type Draft, type Finding } from './draft.ts';
import type { RecordedEvent } from './events.ts';
import { hasEnded, stageEndedAt } from './facts.ts';

/** A verdict is a function of the log (rule 6): it also marks a slip whose late answer was read before it. */
export function overdue(draft: Draft, recorded: RecordedEvent, data: DataOf<'SlipOverdue'>): Finding {
  if (draft.overdueStages.includes(data.stage)) return 'duplicate';
  const endedAt = stageEndedAt(draft, data.stage);
  draft.overdue = true;
  draft.overdueAt ??= timeOn(recorded);
  draft.overdueStages = [...draft.overdueStages, data.stage];
  if (endedAt !== null && endedAt <= data.deadline) return 'false_verdict';
  if (data.stage === 'returned' && draft.outcome !== null) draft.returnedAfter ??= 'overdue';
  return null;
}

export function diagnosed(draft: Draft, data: DataOf<'SlipDiagnosed'>): Finding {
  draft.cause = data.cause;
  return null;
}

export function inquiryRequested(draft: Draft, data: DataOf<'InquiryRequested'>): Finding {
  if (data.inquiry <= draft.inquiries) return 'duplicate';
  draft.inquiries = data.inquiry;
  return hasEnded(draft) ? 'after_end' : null;
}

export function refundRequested(draft: Draft): Finding {
  if (draft.refundRequested) return 'duplicate';
  draft.refundRequested = true;
  if (hasEnded(draft)) return 'after_end';
  return draft.notReturned === null ? 'out_of_order' : null;
}

export function notReturned(draft: Draft, data: DataOf<'SlipNotReturned'>): Finding {
  const known = draft.notReturned !== null;
  // A proof outranks silence, in whichever order they come.
  if (draft.notReturned !== 'not_executed') draft.notReturned = data.basis;
  if (known) return 'duplicate';
  if (hasEnded(draft)) return 'after_end';
  return draft.outcome === null ? null : 'out_of_order';
}

export function lateReturnFound(draft: Draft): Finding {
  if (draft.lateReturnNoted) return 'duplicate';
  draft.lateReturnNoted = true;
  return draft.outcome === null ? 'out_of_order' : null;
}

/** A closed case is opened again only for another reason, so that a repeated CaseOpened leaves it closed. */
export function caseOpened(draft: Draft, recorded: RecordedEvent, data: DataOf<'CaseOpened'>): Finding {
  if (draft.case?.status === 'open' || draft.case?.reason === data.reason) return 'duplicate';
  draft.case = { status: 'open', openedAt: timeOn(recorded), reason: data.reason };
  return null;
}

export function caseClosed(draft: Draft): Finding {
  if (draft.case === null) return 'out_of_order';
  if (draft.case.status === 'closed') return 'duplicate';
  draft.case = { ...draft.case, status: 'closed' };
  return null;
}
