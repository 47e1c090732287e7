import { caseOf, escalated, isOpen } from './case.ts';
import { timeOn } from './clock.ts';
import type { DataOf, RecordedEvent } from './events.ts';
import { hasEnded, isInTime, stageEndedAt } from './facts.ts';
import type { Finding, Folds, NextState } from './next-state.ts';
import type { CaseReason } from './state.ts';

export const reconciliationFolds: Folds<
  | 'SlipOverdue'
  | 'SlipDiagnosed'
  | 'InquiryRequested'
  | 'RefundRequested'
  | 'SlipNotReturned'
  | 'SlipSlow'
  | 'StageLate'
  | 'LateReturnFound'
  | 'CaseOpened'
  | 'CaseClosed'
  | 'StatementLineMatched'
  | 'BreakOpened'
  | 'BreakResolved'
  | 'CaseNoted'
  | 'CaseAssigned'
> = {
  SlipOverdue: overdue,
  SlipDiagnosed: diagnosed,
  InquiryRequested: inquiryRequested,
  RefundRequested: refundRequested,
  SlipNotReturned: notReturned,
  // Told to people; it changes nothing about the slip.
  SlipSlow: () => null,
  StageLate: () => null,
  LateReturnFound: lateReturnFound,
  CaseOpened: caseOpened,
  CaseClosed: caseClosed,
  // Of a line the gateway makes the answer; a break is how books differ, and no fact of the slip.
  StatementLineMatched: () => null,
  BreakOpened: () => null,
  BreakResolved: () => null,
  CaseNoted: caseNoted,
  CaseAssigned: caseAssigned,
};

/** A verdict is a function of the log (rule 6): it also marks a slip whose late answer was read before it. */
function overdue(next: NextState, recorded: RecordedEvent, data: DataOf<'SlipOverdue'>): Finding {
  if (next.overdueStages.includes(data.stage)) return 'duplicate';
  const endedAt = stageEndedAt(next, data.stage);
  next.overdue = true;
  next.overdueAt ??= timeOn(recorded);
  next.overdueStages = [...next.overdueStages, data.stage];
  if (endedAt !== null && isInTime(endedAt, data.deadline)) return 'false_verdict';
  if (data.stage === 'returned' && next.outcome !== null) next.returnedAfter ??= 'overdue';
  return null;
}

function diagnosed(next: NextState, _: RecordedEvent, data: DataOf<'SlipDiagnosed'>): Finding {
  next.cause = data.cause;
  return null;
}

function inquiryRequested(next: NextState, _: RecordedEvent, data: DataOf<'InquiryRequested'>): Finding {
  if (data.inquiry <= next.inquiries) return 'duplicate';
  next.inquiries = data.inquiry;
  return hasEnded(next) ? 'after_end' : null;
}

function refundRequested(next: NextState, _: RecordedEvent, data: DataOf<'RefundRequested'>): Finding {
  // People may ask again after a refusal.
  if (next.refundRequested) return next.refundRefused ? null : 'duplicate';
  next.refundRequested = true;
  if (hasEnded(next)) return 'after_end';
  // Two people may decide what nothing has proved.
  return next.notReturned === null && !data.approvedBy ? 'out_of_order' : null;
}

function notReturned(next: NextState, _: RecordedEvent, data: DataOf<'SlipNotReturned'>): Finding {
  const known = next.notReturned !== null;
  // A proof outranks silence, in whichever order they come.
  if (next.notReturned !== 'not_executed') next.notReturned = data.basis;
  if (known) return 'duplicate';
  if (hasEnded(next)) return 'after_end';
  return next.outcome === null ? null : 'out_of_order';
}

function lateReturnFound(next: NextState): Finding {
  if (next.lateReturnNoted) return 'duplicate';
  next.lateReturnNoted = true;
  return next.outcome === null ? 'out_of_order' : null;
}

/** Each reason is opened by itself, and may be opened anew after it was resolved. */
function caseOpened(next: NextState, recorded: RecordedEvent, data: DataOf<'CaseOpened'>): Finding {
  const { reason, summary } = data;
  const reasons = next.case?.reasons ?? [];
  if (reasons.some((one) => one.reason === reason && isOpen(one))) return 'duplicate';
  const opened = { reason, summary, openedAt: timeOn(recorded), closedAt: null, resolution: null };
  next.case = caseOf([...reasons.filter((one) => one.reason !== reason), opened], next.case);
  return null;
}

/** Without a reason (as long as a case had only one) all that is open is resolved. */
function caseClosed(next: NextState, recorded: RecordedEvent, data: DataOf<'CaseClosed'>): Finding {
  if (next.case === null) return 'out_of_order';
  const { reason, resolution } = data;
  const resolves = (one: CaseReason) => isOpen(one) && (reason === null || one.reason === reason);
  const { reasons } = next.case;
  if (!reasons.some(resolves)) return 'duplicate';
  const closedAt = timeOn(recorded);
  const after = reasons.map((one) => (resolves(one) ? { ...one, closedAt, resolution } : one));
  next.case = caseOf(after, next.case);
  return null;
}

/** A note is for people; only that it was told on is a fact of the case. */
function caseNoted(next: NextState, recorded: RecordedEvent, { code }: DataOf<'CaseNoted'>): Finding {
  if (next.case === null) return 'out_of_order';
  if (code === escalated) next.case = { ...next.case, escalatedAt: timeOn(recorded) };
  return null;
}

function caseAssigned(next: NextState, _: RecordedEvent, { assignee }: DataOf<'CaseAssigned'>): Finding {
  if (next.case === null) return 'out_of_order';
  next.case = { ...next.case, assignee };
  return null;
}
