import type { Draft, Finding } from './draft.ts';
import type { RecordedEvent } from './events.ts';
import * as gateway from './evolve-gateway.ts';
import * as intake from './evolve-intake.ts';
import * as ledger from './evolve-ledger.ts';
import * as reconciliation from './evolve-reconciliation.ts';
import { copyState, initialState } from './initial-state.ts';
import { anomaliesMax, type SlipState } from './state.ts';
import { statusOf } from './status.ts';

/**
 * Folds one event into a slip. Total: it never throws, and takes events that are repeated, early, late or unknown;
 * what does not fit leaves an anomaly, and the fact it tells is kept. `null` is a slip of which nothing is known.
 */
export function evolve(state: SlipState | null, recorded: RecordedEvent): SlipState {
  const before = state ?? initialState(recorded.slipId, recorded.clock);
  const draft = copyState(before);
  const finding = refuse(before, recorded) ?? fold(draft, recorded);
  if (finding !== null) {
    const anomaly = { eventId: recorded.id, type: recorded.event.type, reason: finding };
    draft.anomalies = [...draft.anomalies.slice(1 - anomaliesMax), anomaly];
    draft.anomalyCount += 1;
  }
  return draft as SlipState;
}

function refuse(state: SlipState, recorded: RecordedEvent): Finding {
  if (state.slipId !== recorded.slipId) return 'other_slip';
  return state.lastEventId === recorded.id ? 'redelivered' : null;
}

function fold(draft: Draft, recorded: RecordedEvent): Finding {
  const misplaced = misplacement(draft, recorded);
  const finding = apply(draft, recorded);
  draft.version += 1;
  draft.lastEventId = recorded.id;
  draft.status = statusOf(draft);
  return misplaced ?? finding;
}

function misplacement(draft: Draft, { clock, event }: RecordedEvent): Finding {
  if (draft.clock !== clock) return 'other_clock';
  if (draft.submittedAt !== null || draft.rejection !== null) return null;
  return event.type === 'SlipSubmitted' || event.type === 'SlipRejected' ? null : 'early';
}

function apply(draft: Draft, recorded: RecordedEvent): Finding {
  const { event } = recorded;
  switch (event.type) {
    case 'SlipSubmitted':
      return intake.submitted(draft, recorded, event.data);
    case 'SlipRejected':
      return intake.rejected(draft, recorded, event.data);
    case 'DispatchIntended':
      return gateway.dispatchIntended(draft, recorded, event.data);
    case 'DispatchNotSent':
      return gateway.dispatchEnded(draft, event.data, 'not_sent');
    case 'DispatchUnanswered':
      return gateway.dispatchEnded(draft, event.data, 'unanswered');
    case 'SlipAcknowledged':
      return gateway.acknowledged(draft, recorded, event.data);
    case 'SlipProgressed':
      return gateway.progressed(draft, event.data);
    case 'SlipReturned':
      return gateway.returned(draft, recorded, event.data);
    case 'InquiryAnswered':
      return gateway.inquiryAnswered(draft, event.data);
    case 'FundsHeld':
      return ledger.fundsHeld(draft, recorded);
    case 'HoldRefused':
      return ledger.holdRefused(draft, recorded, event.data);
    case 'SlipSettled':
      return ledger.settled(draft, recorded);
    case 'SlipRefunded':
      return ledger.refunded(draft, recorded);
    case 'RefundRefused':
      return ledger.refundRefused(draft);
    case 'PostingCompensated':
      return ledger.compensated(draft);
    case 'SlipOverdue':
      return reconciliation.overdue(draft, recorded, event.data);
    case 'SlipDiagnosed':
      return reconciliation.diagnosed(draft, event.data);
    case 'InquiryRequested':
      return reconciliation.inquiryRequested(draft, event.data);
    case 'RefundRequested':
      return reconciliation.refundRequested(draft);
    case 'SlipNotReturned':
      return reconciliation.notReturned(draft, event.data);
    case 'LateReturnFound':
      return reconciliation.lateReturnFound(draft);
    case 'CaseOpened':
      return reconciliation.caseOpened(draft, recorded, event.data);
    case 'CaseClosed':
      return reconciliation.caseClosed(draft);
    default:
      event satisfies never;
      return 'unknown_type';
  }
}
