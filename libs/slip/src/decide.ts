import { unreachable } from '@slipstream/kernel';
import type { SlipCommand } from './commands.ts';
import { gatewayDecision } from './decide-gateway.ts';
import { ledgerDecision } from './decide-ledger.ts';
import { reconciliationDecision } from './decide-reconciliation.ts';
import type { SlipEvent } from './events.ts';
import { isSubmitted, type SlipState, type SubmittedSlip } from './state.ts';

/**
 * The events that a command adds to a slip: none when it is not legal now, or was obeyed already (the same command on
 * the resulting state gives no event). Never throws for a well-typed command.
 */
export function decide(state: SlipState | null, command: SlipCommand): readonly SlipEvent[] {
  // Without its terms nothing may be decided about a slip, only folded.
  if (state === null || !isSubmitted(state)) return [];
  const event = decision(state, command);
  return event === null ? [] : [event];
}

function decision(slip: SubmittedSlip, command: SlipCommand): SlipEvent | null {
  switch (command.type) {
    case 'intend_dispatch':
    case 'record_not_sent':
    case 'record_unanswered':
    case 'record_acknowledged':
    case 'record_progress':
    case 'record_returned':
    case 'record_inquiry_answer':
      return gatewayDecision(slip, command);
    case 'answer_hold':
    case 'settle':
    case 'refund':
    case 'compensate':
      return ledgerDecision(slip, command);
    case 'mark_overdue':
    case 'request_inquiry':
    case 'conclude_not_returned':
    case 'request_refund':
    case 'diagnose':
    case 'note_late_return':
    case 'open_case':
    case 'close_case':
      return reconciliationDecision(slip, command);
    default:
      return unreachable(command);
  }
}
