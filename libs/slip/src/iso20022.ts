import type { Cause, CauseClass, Outcome } from './events.ts';
import { successReported } from './facts.ts';
import type { SlipState } from './state.ts';

/** ISO 20022 payment status: received, pending, in process (not final), settled, rejected, cancelled. */
export type IsoStatus = 'RCVD' | 'PDNG' | 'ACSP' | 'ACSC' | 'RJCT' | 'CANC';

export interface Iso20022 {
  readonly status: IsoStatus;
  /** A code of the external code set ExternalStatusReason1; null when none applies. */
  readonly reason: string | null;
}

/**
 * ExternalStatusReason1 by our reason (a cause's code, a ledger's refusal or intake's rule): AB05 timeout at the creditor
 * agent, AB06 timeout at an instructed agent, AB08 creditor agent offline, AB09 error there, AB10 error at an instructed
 * agent (this system), AG09 payment not received, AM05 duplication.
 */
export const isoReasons: Readonly<Record<string, string>> = {
  account_closed: 'AC04',
  account_frozen: 'AC06',
  account_unknown: 'AC01',
  amount_changed: 'AM09',
  amount_differs: 'AM09',
  callback_late: 'AB05',
  callback_lost: 'AB05',
  connection_refused: 'AB08',
  duplicate: 'AM05',
  gateway_down: 'AB10',
  insufficient_funds: 'AM04',
  limit_exceeded: 'AM02',
  never_received: 'AG09',
  never_sent: 'AG09',
  no_answer: 'AB05',
  not_executed: 'AG09',
  not_found: 'AG09',
  provider_error: 'AB09',
  provider_outage: 'AB08',
  provider_pending: 'AB05',
  provider_silent: 'AB05',
  provider_timeout: 'AB05',
  provider_unreachable: 'AB08',
};

const reasonByClass: Readonly<Record<CauseClass, string | null>> = {
  system: 'AB10',
  network: 'AB06',
  user: null,
  third_party: 'AB05',
  configuration: 'AB10',
  undetermined: null,
};

/** A slip's status in ISO 20022 terms. There a "return" is money sent back; ours is the outcome that came back. */
export function iso20022(state: SlipState): Iso20022 {
  switch (state.status) {
    case 'submitted':
      return { status: 'RCVD', reason: null };
    case 'in_review':
    case 'held':
    case 'dispatching':
      return { status: 'PDNG', reason: null };
    case 'acknowledged':
      return { status: 'ACSP', reason: null };
    case 'unknown':
    case 'overdue':
    case 'inquiring':
      return { status: state.acknowledgedAt === null ? 'PDNG' : 'ACSP', reason: reasonOfCause(state.cause) };
    case 'declined':
    case 'rejected':
      return { status: 'RJCT', reason: isoReason(state.rejection?.reason) };
    case 'returned':
      return ofOutcome(state, 'ACSP');
    case 'settled':
      return { status: 'ACSC', reason: null };
    case 'not_returned':
      return notReturned(state);
    case 'refunded':
      return state.outcome === null ? notReturned(state) : ofOutcome(state, 'ACSC');
    case 'conflicted':
      // The provider did move the money; final once the ledger has booked it so.
      return { status: successReported(state) && state.compensated ? 'ACSC' : 'PDNG', reason: null };
    default:
      return state.status satisfies never;
  }
}

function ofOutcome(state: SlipState, succeeded: IsoStatus): Iso20022 {
  const statuses: Record<Outcome, IsoStatus> = { succeeded, failed: 'RJCT', void: 'CANC' };
  return { status: statuses[state.outcome ?? 'failed'], reason: isoReason(state.outcomeReason) };
}

/** Rejected when proved not executed; without a proof it stays pending, however long the silence. */
function notReturned(state: SlipState): Iso20022 {
  const proved = state.notReturned === 'not_executed' || state.refunded;
  if (!proved) return { status: 'PDNG', reason: reasonOfCause(state.cause) ?? 'AB05' };
  return { status: 'RJCT', reason: reasonOfCause(state.cause) ?? 'AG09' };
}

function reasonOfCause(cause: Cause | null): string | null {
  return cause && (isoReason(cause.code) ?? reasonByClass[cause.class]);
}

/** A provider's own ISO code is passed on; our words are looked up. */
function isoReason(reason: string | null | undefined): string | null {
  if (!reason) return null;
  if (/^[A-Z]{2}[0-9]{2}$/.test(reason)) return reason;
  return Object.hasOwn(isoReasons, reason) ? (isoReasons[reason] ?? null) : null;
}
