import type { Instant } from '@slipstream/kernel';
import { isLive, type SlipEvent } from '@slipstream/slip';
import { askedWhenGivenBack, planInquiry, type Surroundings } from '../inquiry/inquiry.ts';
import { publishLateSuccess } from './receive-answer.ts';
import { type Dispatch, type Step, unchanged } from './state.ts';

/** Slip events of other services that change what this one does; all others are passed over. */
export const followedEvents: ReadonlySet<string> = new Set<SlipEvent['type']>([
  'SlipSubmitted',
  'FundsHeld',
  'HoldRefused',
  'SlipWithdrawn',
  'SlipDeclined',
  'SlipApproved',
  'InquiryRequested',
  'RefundRequested',
  'SlipNotReturned',
  'SlipRefunded',
  // Heard as the provider's own word (`application/follow-slips.ts`).
  'StatementLineMatched',
]);

/**
 * Folds another service's event into the row. Total: an event that does not fit changes nothing; and idempotent, but for
 * a question that can be answered at once, which is read only once (rule 5).
 * @param around what is known of the providers, for a question that can be answered at once and for those that are put later
 */
export function followEvent(dispatch: Dispatch, event: SlipEvent, now: Instant, around?: Surroundings): Step {
  switch (event.type) {
    case 'FundsHeld':
      return dispatch.status === 'submitted' ? unchanged(held(dispatch, now)) : unchanged(dispatch);
    case 'HoldRefused':
    case 'SlipWithdrawn':
    case 'SlipDeclined':
      return unchanged(
        dispatch.status === 'submitted' ? { ...dispatch, status: 'refused', nextAt: null } : dispatch,
      );
    case 'SlipApproved':
      return unchanged({ ...dispatch, deadline: event.data.deadline });
    case 'InquiryRequested':
      return requestInquiry(dispatch, event.data.inquiry, now, around);
    case 'RefundRequested': {
      const ladderMs = around?.recheckLadderMs?.(dispatch.provider) ?? [];
      const inquiries = askedWhenGivenBack(dispatch, event.data.basis, now, ladderMs);
      return { ...unchanged(closed(dispatch)), inquiries };
    }
    case 'SlipNotReturned':
      return unchanged(closed(dispatch));
    case 'SlipRefunded':
      return publishLateSuccess({ ...closed(dispatch), refunded: true });
    default:
      return unchanged(dispatch);
  }
}

function held(dispatch: Dispatch, now: Instant): Dispatch {
  const sent = dispatch.mode === 'dispatched' && isLive(dispatch.clock) && !dispatch.closedForDispatch;
  return { ...dispatch, status: 'held', nextAt: sent ? now : null };
}

/** A late answer is still evidence; only further attempts end. */
function closed(dispatch: Dispatch): Dispatch {
  return { ...dispatch, closedForDispatch: true, nextAt: null };
}

/** What needs no call is answered at once: on the list it would wait for a place among the calls. */
function requestInquiry(dispatch: Dispatch, n: number, now: Instant, around: Surroundings | undefined): Step {
  const provider = dispatch.provider ?? '';
  const plan = planInquiry(dispatch, { slipId: dispatch.slipId, n, provider }, now, true, around);
  if (plan.plan === 'answer') return plan.step;
  return { dispatch, events: [], inquiries: [{ slipId: dispatch.slipId, n, provider, dueAt: now }] };
}
