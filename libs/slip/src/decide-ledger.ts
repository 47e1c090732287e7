import { unreachable } from '@slipstream/kernel';
import type { HoldAnswer, LedgerCommand } from './commands.ts';
import type { SlipEvent } from './events.ts';
import { hasEnded, successReported } from './facts.ts';
import type { SubmittedSlip } from './state.ts';

/** Rule 7: the ledger arbitrates in log order; a slip ends settled or refunded, never both. */
export function ledgerDecision(slip: SubmittedSlip, command: LedgerCommand): SlipEvent | null {
  switch (command.type) {
    case 'answer_hold':
      return answerHold(slip, command.answer);
    case 'settle':
      if (!slip.held || hasEnded(slip) || slip.outcome !== 'succeeded') return null;
      return { type: 'SlipSettled', data: { transaction: command.transaction } };
    case 'refund': {
      const refusal = refundRefusal(slip);
      if (refusal !== null) return refuseRefund(slip, refusal);
      if (!mayRefund(slip)) return null;
      return { type: 'SlipRefunded', data: { transaction: command.transaction, reason: command.reason } };
    }
    case 'compensate':
      if (!slip.refunded || !successReported(slip) || slip.compensated) return null;
      return {
        type: 'PostingCompensated',
        data: { transaction: command.transaction, reason: command.reason },
      };
    default:
      return unreachable(command);
  }
}

function answerHold(slip: SubmittedSlip, answer: HoldAnswer): SlipEvent | null {
  // A slip under review is answered when it is approved.
  if (slip.held || hasEnded(slip) || slip.reviewRequired) return null;
  if (answer.held) return { type: 'FundsHeld', data: { transaction: answer.transaction } };
  return { type: 'HoldRefused', data: { reason: answer.reason, detail: answer.detail } };
}

function refundRefusal(slip: SubmittedSlip): string | null {
  if (slip.settled) return 'already_settled';
  if (slip.outcome === 'succeeded' && !slip.refunded) return 'outcome_succeeded';
  return slip.held || slip.refunded ? null : 'nothing_held';
}

/** Only a request is refused, and only once. */
function refuseRefund(slip: SubmittedSlip, reason: string): SlipEvent | null {
  if (!slip.refundRequested || slip.refundRefused) return null;
  return { type: 'RefundRefused', data: { reason } };
}

function mayRefund(slip: SubmittedSlip): boolean {
  if (hasEnded(slip)) return false;
  return slip.outcome === 'failed' || slip.outcome === 'void' || slip.refundRequested;
}
