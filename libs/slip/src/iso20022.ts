import { causeKind, type IsoReason } from './causes.ts';
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

/** Why the ledger refuses a hold, in the terms of the same code set. */
const refusals: Readonly<Record<string, IsoReason>> = { insufficient_funds: 'AM04' };

/** For a cause that a later version named: its class is known all the same. */
const reasonByClass: Readonly<Record<CauseClass, IsoReason | null>> = {
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
    case 'draft':
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
    case 'expired':
    case 'withdrawn':
      return { status: 'CANC', reason: null };
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
      return { status: isClaimed(state) ? 'ACSC' : 'PDNG', reason: null };
    default:
      return state.status satisfies never;
  }
}

/** The provider did move the money after the refund, and the ledger has booked it so: that is final. */
function isClaimed(state: SlipState): boolean {
  return state.refunded && successReported(state) && state.compensated;
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
  if (cause === null) return null;
  const kind = causeKind(cause.code);
  return kind === null ? reasonByClass[cause.class] : kind.iso;
}

/** A provider's own ISO code is passed on; a refusal's word is looked up. */
function isoReason(reason: string | null | undefined): string | null {
  if (!reason) return null;
  if (/^[A-Z]{2}[0-9]{2}$/.test(reason)) return reason;
  return Object.hasOwn(refusals, reason) ? (refusals[reason] ?? null) : null;
}
