import { unreachable } from '@slipstream/kernel';
import type { ReconciliationCommand } from './commands.ts';
import type { Cause, NotReturnedBasis, SlipEvent } from './events.ts';
import { hasEnded, stageEndedAt, successReported } from './facts.ts';
import type { SubmittedSlip } from './state.ts';

export function reconciliationDecision(
  slip: SubmittedSlip,
  command: ReconciliationCommand,
): SlipEvent | null {
  switch (command.type) {
    case 'mark_overdue': {
      const { stage, deadline } = command;
      const endedAt = stageEndedAt(slip, stage);
      if (slip.overdueStages.includes(stage) || (endedAt !== null && endedAt <= deadline)) return null;
      return { type: 'SlipOverdue', data: { stage, deadline } };
    }
    case 'request_inquiry':
      if (!mayInquire(slip) || command.inquiry <= slip.inquiries) return null;
      return { type: 'InquiryRequested', data: { inquiry: command.inquiry } };
    case 'conclude_not_returned':
      if (!mayConclude(slip, command.basis)) return null;
      return { type: 'SlipNotReturned', data: { basis: command.basis, deadline: slip.deadline } };
    case 'request_refund': {
      const { basis, requestedBy } = command;
      if (basis !== 'not_executed' || !mayRequestRefund(slip)) return null;
      return { type: 'RefundRequested', data: { basis, requestedBy } };
    }
    case 'diagnose':
      if (slip.cause !== null && sameCause(slip.cause, command.cause)) return null;
      return { type: 'SlipDiagnosed', data: { cause: command.cause } };
    case 'note_late_return':
      return lateReturn(slip);
    case 'open_case':
      if (slip.case?.status === 'open' || slip.case?.reason === command.reason) return null;
      return { type: 'CaseOpened', data: { reason: command.reason, summary: command.summary } };
    case 'close_case':
      if (slip.case?.status !== 'open') return null;
      return { type: 'CaseClosed', data: { resolution: command.resolution } };
    default:
      return unreachable(command);
  }
}

/** On a reported route there is nobody to ask. */
function mayInquire(slip: SubmittedSlip): boolean {
  return slip.mode === 'dispatched' && slip.outcome === null && slip.notReturned === null && !hasEnded(slip);
}

/** Silence alone never fails a dispatched slip (rule 2): it takes the proof, or that nobody can be asked. */
function mayConclude(slip: SubmittedSlip, basis: NotReturnedBasis): boolean {
  const overdue = slip.overdueStages.includes('returned');
  if (!overdue || slip.outcome !== null || slip.notReturned !== null || hasEnded(slip)) return false;
  return basis === 'not_executed' ? slip.provedNotExecuted : slip.mode === 'reported';
}

function mayRequestRefund(slip: SubmittedSlip): boolean {
  return (
    slip.notReturned === 'not_executed' && !slip.refundRequested && !successReported(slip) && !hasEnded(slip)
  );
}

function lateReturn(slip: SubmittedSlip): SlipEvent | null {
  const { deadline, returnedAt, returnedAfter } = slip;
  if (slip.lateReturnNoted || returnedAfter === null || returnedAt === null || returnedAt <= deadline) {
    return null;
  }
  return { type: 'LateReturnFound', data: { deadline, receivedAt: returnedAt, after: returnedAfter } };
}

function sameCause(a: Cause, b: Cause): boolean {
  return (
    a.class === b.class &&
    a.code === b.code &&
    a.confidence === b.confidence &&
    a.summary === b.summary &&
    a.remedy === b.remedy &&
    a.evidence.length === b.evidence.length &&
    a.evidence.every((id, index) => id === b.evidence[index])
  );
}
