import { unreachable } from '@slipstream/kernel';
import type { GatewayCommand } from './commands.ts';
import { type DataOf } from './draft.ts';
import type { SlipEvent } from './events.ts';
import { hasEnded } from './facts.ts';
import type { SubmittedSlip } from './state.ts';

export function gatewayDecision(slip: SubmittedSlip, command: GatewayCommand): SlipEvent | null {
  switch (command.type) {
    case 'intend_dispatch': {
      const { attempt, provider, digest, notAfter } = command;
      if (attempt !== slip.attempts + 1 || !mayDispatch(slip)) return null;
      return { type: 'DispatchIntended', data: { attempt, provider, digest, notAfter } };
    }
    case 'record_not_sent':
      if (!isOpen(slip, command.data.attempt)) return null;
      return { type: 'DispatchNotSent', data: command.data };
    case 'record_unanswered':
      if (!isOpen(slip, command.data.attempt)) return null;
      return { type: 'DispatchUnanswered', data: command.data };
    case 'record_acknowledged':
      if (!mayAnswer(slip) || slip.acknowledgedAt !== null || slip.outcome !== null) return null;
      return { type: 'SlipAcknowledged', data: command.data };
    case 'record_progress':
      if (!mayAnswer(slip) || slip.lastStep === command.data.step || slip.outcome !== null) return null;
      return { type: 'SlipProgressed', data: command.data };
    case 'record_returned':
      if (!mayAnswer(slip) || slip.outcome !== null) return null;
      return { type: 'SlipReturned', data: command.data };
    case 'record_inquiry_answer':
      if (!fitsInquiry(slip, command.data)) return null;
      return { type: 'InquiryAnswered', data: command.data };
    default:
      return unreachable(command);
  }
}

/** Rules 1 and 3: a new attempt only when provably none left, and only while the answer can come in time. */
function mayDispatch(slip: SubmittedSlip): boolean {
  const nothingOut = slip.lastAttempt === null || slip.lastAttempt.outcome === 'not_sent';
  const closed =
    slip.overdueStages.includes('returned') ||
    slip.provedNotExecuted ||
    slip.notReturned !== null ||
    slip.refundRequested;
  return (
    slip.mode === 'dispatched' && slip.held && nothingOut && !slip.mayHaveLeft && !closed && !hasEnded(slip)
  );
}

function isOpen(slip: SubmittedSlip, attempt: number): boolean {
  return slip.lastAttempt?.number === attempt && slip.lastAttempt.outcome === 'open';
}

/** A provider can only answer what was, or may have been, handed to it. */
function mayAnswer(slip: SubmittedSlip): boolean {
  return slip.mode === 'reported' || slip.attempts > 0;
}

function fitsInquiry(slip: SubmittedSlip, answer: DataOf<'InquiryAnswered'>): boolean {
  if (answer.inquiry <= slip.inquiriesAnswered || answer.inquiry > slip.inquiries) return false;
  if (answer.answer === 'never_sent' && !neverLeft(slip)) return false;
  // No proof while a call is under way, nor against the provider's own word.
  return !answer.provesNotExecuted || (slip.lastAttempt?.outcome !== 'open' && slip.outcome === null);
}

function neverLeft(slip: SubmittedSlip): boolean {
  return !slip.mayHaveLeft && (slip.lastAttempt === null || slip.lastAttempt.outcome === 'not_sent');
}
