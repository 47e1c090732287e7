import type { Money } from '@slipstream/kernel';
import {
  hasEnded,
  isOpen,
  type Posting,
  type SlipCase,
  type SlipEvent,
  type SubmittedSlip,
  successReported,
} from '@slipstream/slip';
import type { WatchedSlip } from '../watch/watched-slip.ts';
import { closedByHand, isWithheld, mustBeReleased } from './reasons.ts';

/** What people can have done about a case. Stored for ever: add, never rename. */
export const actionTypes = ['inquire', 'refund', 'release', 'note', 'assign', 'close'] as const;
export type ActionType = (typeof actionTypes)[number];

export type Action =
  /** Have the provider asked once more. */
  | { readonly type: 'inquire' }
  /** Give the money back though nothing is proved: it takes two people. */
  | { readonly type: 'refund' }
  /** Let a refund that is proved, and waits for people, go on. */
  | { readonly type: 'release' }
  | { readonly type: 'note' }
  /** null: nobody looks after it any more. */
  | { readonly type: 'assign'; readonly assignee: string | null }
  /** Of one of its reasons; null: of all that are open. */
  | { readonly type: 'close'; readonly of: string | null };

/** Somebody wants it, and says why. */
export interface Ask {
  readonly action: Action;
  readonly by: string;
  readonly reason: string;
}

export type ActionAnswer =
  | { readonly type: 'done' | 'proposed'; readonly events: readonly SlipEvent[] }
  | {
      readonly type: 'refused';
      readonly code: 'conflict' | 'version_mismatch';
      readonly detail: string;
    };

/**
 * What follows from an action on a slip. The same action on the slip that it led to is refused, or (a note) said again:
 * whoever asks once is answered once, by the key of the request.
 * @param proposed somebody wants its refund already, and nobody else has decided about that
 */
export function decideAction(slip: WatchedSlip, ask: Ask, proposed: boolean): ActionAnswer {
  const { state } = slip;
  if (state.case?.status !== 'open') return refused('Its case is closed.');
  const { action, by, reason } = ask;
  switch (action.type) {
    case 'inquire':
      return inquire(state, by, reason);
    case 'refund':
      return proposeRefund(state, by, reason, proposed);
    case 'release':
      return release(state, by, reason);
    case 'note':
      return done({ type: 'CaseNoted', data: { by, code: 'note', text: reason } });
    case 'assign':
      return assign(state.case, action.assignee, by, reason);
    case 'close':
      return close(state.case, action.of, by, reason);
    default:
      return action satisfies never;
  }
}

/** The second person agrees: the ledger, which arbitrates, is asked for the refund. */
export function approveRefund({ state }: WatchedSlip, ask: Ask, approvedBy: string): ActionAnswer {
  if (state.case?.status !== 'open') return refused('Its case is closed.');
  const refusal = refundRefusal(state);
  if (refusal !== null) return refused(refusal);
  return done(refundRequested(state, ask.by, ask.reason, approvedBy));
}

export function declineRefund(by: string, note: string): ActionAnswer {
  return done({ type: 'CaseNoted', data: { by, code: 'refund_declined', text: note } });
}

function inquire(state: SubmittedSlip, requestedBy: string, reason: string): ActionAnswer {
  if (state.mode !== 'dispatched') return refused('On its route nobody can be asked.');
  if (hasEnded(state)) return refused(`It is ${state.status}.`);
  if (state.inquiries > state.inquiriesAnswered) return refused(`Inquiry ${state.inquiries} is under way.`);
  return done({
    type: 'InquiryRequested',
    data: { inquiry: state.inquiries + 1, requestedBy, reason },
  });
}

function proposeRefund(state: SubmittedSlip, by: string, text: string, proposed: boolean): ActionAnswer {
  const refusal = refundRefusal(state);
  if (refusal !== null) return refused(refusal);
  if (isWithheld(state)) return refused('Its refund is proved and waits: release it.');
  if (proposed) return refused('Its refund is proposed already; another person must decide about that.');
  const event: SlipEvent = { type: 'CaseNoted', data: { by, code: 'refund_proposed', text } };
  return { type: 'proposed', events: [event] };
}

/** What the ledger would refuse; null: nothing stands in the way here. */
function refundRefusal(state: SubmittedSlip): string | null {
  if (hasEnded(state)) return `It is ${state.status}.`;
  if (successReported(state)) return 'The provider reported that it executed the slip.';
  if (isAsked(state)) return 'Its refund was asked for.';
  return state.held ? null : 'Nothing is held for it.';
}

function isAsked({ refundRequested, refundRefused }: SubmittedSlip): boolean {
  return refundRequested && !refundRefused;
}

function release(state: SubmittedSlip, by: string, reason: string): ActionAnswer {
  if (!isWithheld(state)) return refused('No refund of it waits for people.');
  const refusal = refundRefusal(state);
  return refusal === null ? done(refundRequested(state, by, reason, null)) : refused(refusal);
}

function refundRequested(
  { provedNotExecuted }: SubmittedSlip,
  requestedBy: string,
  reason: string,
  approvedBy: string | null,
): SlipEvent {
  const basis = provedNotExecuted ? 'not_executed' : 'no_answer';
  return { type: 'RefundRequested', data: { basis, requestedBy, approvedBy, reason } };
}

function assign(known: SlipCase, assignee: string | null, by: string, note: string): ActionAnswer {
  if (known.assignee === assignee)
    return refused(assignee === null ? 'Nobody looks after it.' : `${assignee} looks after it already.`);
  return done({ type: 'CaseAssigned', data: { by, assignee, note } });
}

function close({ reasons }: SlipCase, of: string | null, by: string, note: string): ActionAnswer {
  const closed = reasons.filter((one) => isOpen(one) && (of === null || one.reason === of));
  if (closed.length === 0) return refused(`It is not open for ${of}.`);
  if (closed.some(({ reason }) => mustBeReleased(reason)))
    return refused('Its refund is proved and waits: release it, then the case closes.');
  return {
    type: 'done',
    events: closed.map(({ reason }) => ({
      type: 'CaseClosed',
      data: { resolution: closedByHand, reason, by, note },
    })),
  };
}

/** What the ledger posts on these events unless the provider's word is faster: a refund gives back what is held. */
export function postingsOf({ account, amount }: SubmittedSlip, events: readonly SlipEvent[]): Posting[] {
  if (amount === null || !events.some(({ type }) => type === 'RefundRequested')) return [];
  return [
    posting(`payer:${account}:held`, 'debit', amount),
    posting(`payer:${account}:available`, 'credit', amount),
  ];
}

function posting(account: string, direction: Posting['direction'], amount: Money): Posting {
  return { account, direction, amount };
}

function done(event: SlipEvent): ActionAnswer {
  return { type: 'done', events: [event] };
}

function refused(detail: string): ActionAnswer {
  return { type: 'refused', code: 'conflict', detail };
}
