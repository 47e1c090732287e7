import { sameMoney } from '@slipstream/kernel';
import { timeOn } from './clock.ts';
import { type DataOf, type Draft, type Finding } from './draft.ts';
import type { RecordedEvent } from './events.ts';
import { hasEnded, providerHasSpoken, successReported } from './facts.ts';
import type { Attempt } from './state.ts';

export function dispatchIntended(
  draft: Draft,
  recorded: RecordedEvent,
  data: DataOf<'DispatchIntended'>,
): Finding {
  const last = draft.lastAttempt;
  draft.intendedAt ??= timeOn(recorded);
  if (last?.number === data.attempt && last.notAfter === null) {
    // Its end was read first and said what became of it.
    draft.lastAttempt = { ...last, notAfter: data.notAfter };
    if (last.outcome !== 'not_sent') draft.dispatchedAt ??= timeOn(recorded);
    return null;
  }
  if (data.attempt <= draft.attempts) return 'duplicate';
  const answered = providerHasSpoken(draft);
  draft.attempts = data.attempt;
  draft.provider = data.provider;
  draft.lastAttempt = {
    number: data.attempt,
    provider: data.provider,
    notAfter: data.notAfter,
    outcome: answered ? 'answered' : 'open',
  };
  draft.dispatchedAt ??= timeOn(recorded);
  return answered || last?.outcome === 'open' ? 'out_of_order' : null;
}

export function dispatchEnded(
  draft: Draft,
  data: DataOf<'DispatchNotSent' | 'DispatchUnanswered'>,
  outcome: 'not_sent' | 'unanswered',
): Finding {
  const last = draft.lastAttempt;
  if (outcome === 'unanswered') draft.mayHaveLeft = true;
  if (data.attempt < draft.attempts) return 'out_of_order';
  const known = last?.number === data.attempt;
  if (known && last.outcome !== 'open') return secondEnd(last.outcome, outcome);
  draft.attempts = data.attempt;
  draft.provider = data.provider;
  draft.lastAttempt = {
    number: data.attempt,
    provider: data.provider,
    notAfter: known ? last.notAfter : null,
    outcome,
  };
  if (!draft.mayHaveLeft) draft.dispatchedAt = null;
  return known ? null : 'out_of_order';
}

function secondEnd(first: Attempt['outcome'], second: Attempt['outcome']): Finding {
  if (first === second) return 'duplicate';
  // A callback may overtake the call's own timeout.
  return first === 'answered' && second === 'unanswered' ? 'out_of_order' : 'contradicts';
}

export function acknowledged(
  draft: Draft,
  recorded: RecordedEvent,
  data: DataOf<'SlipAcknowledged'>,
): Finding {
  if (draft.acknowledgedAt !== null) return 'duplicate';
  const late = draft.outcome !== null || draft.lastStep !== null ? 'out_of_order' : null;
  draft.acknowledgedAt = recorded.receivedTime;
  draft.providerReference ??= data.providerReference;
  return providerSpoke(draft, data.provider) ?? (hasEnded(draft) ? 'after_end' : late);
}

export function progressed(draft: Draft, data: DataOf<'SlipProgressed'>): Finding {
  if (draft.lastStep === data.step) return 'duplicate';
  const late = draft.outcome === null ? null : 'out_of_order';
  draft.lastStep = data.step;
  return providerSpoke(draft, data.provider) ?? (hasEnded(draft) ? 'after_end' : late);
}

/** The first answer stands; one that denies it is a conflict for people, whatever its evidence. */
export function returned(draft: Draft, recorded: RecordedEvent, data: DataOf<'SlipReturned'>): Finding {
  if (draft.outcome !== null) return returnedAgain(draft, data);
  const inTime = draft.deadline !== null && recorded.receivedTime <= draft.deadline;
  const accused = draft.overdueStages.includes('returned');
  draft.returnedAfter = tooLateFor(draft, accused && !inTime);
  draft.outcome = data.outcome;
  draft.outcomeReason = data.reason;
  draft.evidence = data.evidence;
  draft.returnedAmount = data.amount;
  draft.returnedAt = recorded.receivedTime;
  draft.providerReference ??= data.providerReference;
  const denied = providerSpoke(draft, data.provider);
  const succeeded = data.outcome === 'succeeded';
  if (succeeded ? draft.refunded || draft.rejection !== null : draft.settled) {
    draft.conflict = true;
    return 'contradicts';
  }
  if (hasEnded(draft)) return 'after_end';
  if (succeeded && draft.provedNotExecuted) return 'contradicts';
  return denied ?? (accused && inTime ? 'false_verdict' : null);
}

function returnedAgain(draft: Draft, data: DataOf<'SlipReturned'>): Finding {
  if (draft.outcome !== data.outcome) {
    if (draft.contradictedBy === null || data.outcome === 'succeeded') draft.contradictedBy = data.outcome;
    draft.conflict = true;
    return 'contradicts';
  }
  const named = draft.returnedAmount !== null && data.amount !== null;
  if (!named || sameMoney(draft.returnedAmount, data.amount)) return 'duplicate';
  draft.conflict = true;
  return 'amount_differs';
}

function tooLateFor(draft: Draft, overdue: boolean): Draft['returnedAfter'] {
  if (draft.refunded) return 'refunded';
  if (draft.notReturned !== null) return 'not_returned';
  return overdue ? 'overdue' : null;
}

export function inquiryAnswered(draft: Draft, data: DataOf<'InquiryAnswered'>): Finding {
  if (data.inquiry === draft.inquiriesAnswered) return 'duplicate';
  const expected = data.inquiry > draft.inquiriesAnswered && data.inquiry <= draft.inquiries;
  draft.inquiries = Math.max(draft.inquiries, data.inquiry);
  draft.inquiriesAnswered = Math.max(draft.inquiriesAnswered, data.inquiry);
  const proof = data.provesNotExecuted || data.answer === 'never_sent';
  if (proof) draft.provedNotExecuted = true;
  if (proof && successReported(draft)) return 'contradicts';
  return expected ? null : 'out_of_order';
}

/** Any word of the provider ends the attempt and shows that the slip left. */
function providerSpoke(draft: Draft, provider: string | null): Finding {
  const last = draft.lastAttempt;
  draft.mayHaveLeft = true;
  draft.provider ??= provider;
  if (last === null || last.outcome === 'answered') return null;
  draft.lastAttempt = { ...last, outcome: 'answered' };
  return last.outcome === 'not_sent' ? 'contradicts' : null;
}
