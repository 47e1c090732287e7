import type { RecordedEvent } from './events.ts';
import * as gateway from './evolve-gateway.ts';
import * as intake from './evolve-intake.ts';
import * as ledger from './evolve-ledger.ts';
import * as reconciliation from './evolve-reconciliation.ts';
import { copyState, initialState } from './initial-state.ts';
import type { Finding, NextState } from './next-state.ts';
import { anomaliesMax, type SlipState } from './state.ts';
import { statusOf } from './status.ts';

/**
 * Folds one event into a slip. Total: it never throws, and takes events that are repeated, early, late or unknown;
 * what does not fit leaves an anomaly, and the fact it tells is kept. `null` is a slip of which nothing is known.
 */
export function evolve(state: SlipState | null, recorded: RecordedEvent): SlipState {
  const before = state ?? initialState(recorded.slipId, recorded.clock);
  const next = copyState(before);
  const finding = refuse(before, recorded) ?? fold(next, recorded);
  if (finding !== null) {
    const anomaly = { eventId: recorded.id, type: recorded.event.type, reason: finding };
    next.anomalies = [...next.anomalies.slice(1 - anomaliesMax), anomaly];
    next.anomalyCount += 1;
  }
  return next as SlipState;
}

function refuse(state: SlipState, recorded: RecordedEvent): Finding {
  if (state.slipId !== recorded.slipId) return 'other_slip';
  return state.lastEventId === recorded.id ? 'redelivered' : null;
}

function fold(next: NextState, recorded: RecordedEvent): Finding {
  const misplaced = misplacement(next, recorded);
  const finding = apply(next, recorded);
  next.version += 1;
  next.lastEventId = recorded.id;
  next.status = statusOf(next);
  return misplaced ?? finding;
}

function misplacement(next: NextState, { clock, event }: RecordedEvent): Finding {
  if (next.clock !== clock) return 'other_clock';
  if (next.submittedAt !== null || next.rejection !== null) return null;
  return event.type === 'SlipSubmitted' || event.type === 'SlipRejected' ? null : 'early';
}

function apply(next: NextState, recorded: RecordedEvent): Finding {
  const { event } = recorded;
  switch (event.type) {
    case 'SlipSubmitted':
      return intake.submitted(next, recorded, event.data);
    case 'SlipRejected':
      return intake.rejected(next, recorded, event.data);
    case 'DispatchIntended':
      return gateway.dispatchIntended(next, recorded, event.data);
    case 'DispatchNotSent':
      return gateway.dispatchEnded(next, event.data, 'not_sent');
    case 'DispatchUnanswered':
      return gateway.dispatchEnded(next, event.data, 'unanswered');
    case 'SlipAcknowledged':
      return gateway.acknowledged(next, recorded, event.data);
    case 'SlipProgressed':
      return gateway.progressed(next, event.data);
    case 'SlipReturned':
      return gateway.returned(next, recorded, event.data);
    case 'InquiryAnswered':
      return gateway.inquiryAnswered(next, event.data);
    case 'FundsHeld':
      return ledger.fundsHeld(next, recorded);
    case 'HoldRefused':
      return ledger.holdRefused(next, recorded, event.data);
    case 'SlipSettled':
      return ledger.settled(next, recorded);
    case 'SlipRefunded':
      return ledger.refunded(next, recorded);
    case 'RefundRefused':
      return ledger.refundRefused(next);
    case 'PostingCompensated':
      return ledger.compensated(next);
    case 'SlipOverdue':
      return reconciliation.overdue(next, recorded, event.data);
    case 'SlipDiagnosed':
      return reconciliation.diagnosed(next, event.data);
    case 'InquiryRequested':
      return reconciliation.inquiryRequested(next, event.data);
    case 'RefundRequested':
      return reconciliation.refundRequested(next);
    case 'SlipNotReturned':
      return reconciliation.notReturned(next, event.data);
    case 'LateReturnFound':
      return reconciliation.lateReturnFound(next);
    case 'CaseOpened':
      return reconciliation.caseOpened(next, recorded, event.data);
    case 'CaseClosed':
      return reconciliation.caseClosed(next, recorded, event.data);
    default:
      event satisfies never;
      return 'unknown_type';
  }
}
