import { sameMoney } from '@slipstream/kernel';
import { timeOn } from './clock.ts';
import type { DataOf, RecordedEvent } from './events.ts';
import { hasEnded, isInTime, providerHasSpoken, successReported } from './facts.ts';
import type { Finding, Folds, NextState } from './next-state.ts';
import type { Attempt } from './state.ts';

export const gatewayFolds: Folds<
  | 'DispatchIntended'
  | 'DispatchNotSent'
  | 'DispatchUnanswered'
  | 'SlipAcknowledged'
  | 'SlipProgressed'
  | 'SlipReturned'
  | 'AnswerDoubted'
  | 'InquiryAnswered'
  | 'CallbackRefused'
> = {
  DispatchIntended: dispatchIntended,
  DispatchNotSent: (next, _, data) => dispatchEnded(next, data, 'not_sent'),
  DispatchUnanswered: (next, _, data) => dispatchEnded(next, data, 'unanswered'),
  SlipAcknowledged: acknowledged,
  SlipProgressed: progressed,
  SlipReturned: returned,
  AnswerDoubted: doubted,
  InquiryAnswered: inquiryAnswered,
  // It tells of our secret, and nothing of the slip.
  CallbackRefused: () => null,
};

function dispatchIntended(
  next: NextState,
  recorded: RecordedEvent,
  data: DataOf<'DispatchIntended'>,
): Finding {
  const last = next.lastAttempt;
  next.intendedAt ??= timeOn(recorded);
  if (last?.number === data.attempt && last.notAfter === null) {
    // Its end was read first and said what became of it.
    next.lastAttempt = { ...last, notAfter: data.notAfter };
    if (last.outcome !== 'not_sent') next.dispatchedAt ??= timeOn(recorded);
    return null;
  }
  if (data.attempt <= next.attempts) return 'duplicate';
  const { acknowledgedAt, lastStep, outcome } = next;
  const answered = providerHasSpoken({ acknowledged: acknowledgedAt !== null, lastStep, outcome });
  next.attempts = data.attempt;
  next.provider = data.provider;
  next.lastAttempt = {
    number: data.attempt,
    provider: data.provider,
    notAfter: data.notAfter,
    outcome: answered ? 'answered' : 'open',
  };
  next.dispatchedAt ??= timeOn(recorded);
  return answered || last?.outcome === 'open' ? 'out_of_order' : null;
}

function dispatchEnded(
  next: NextState,
  data: DataOf<'DispatchNotSent' | 'DispatchUnanswered'>,
  outcome: 'not_sent' | 'unanswered',
): Finding {
  const last = next.lastAttempt;
  if (outcome === 'unanswered') next.mayHaveLeft = true;
  if (data.attempt < next.attempts) return 'out_of_order';
  const known = last?.number === data.attempt;
  if (known && last.outcome !== 'open') return secondEnd(last.outcome, outcome);
  next.attempts = data.attempt;
  next.provider = data.provider;
  next.lastAttempt = {
    number: data.attempt,
    provider: data.provider,
    notAfter: known ? last.notAfter : null,
    outcome,
  };
  if (!next.mayHaveLeft) next.dispatchedAt = null;
  return known ? null : 'out_of_order';
}

function secondEnd(first: Attempt['outcome'], second: Attempt['outcome']): Finding {
  if (first === second) return 'duplicate';
  // A callback may overtake the call's own timeout.
  return first === 'answered' && second === 'unanswered' ? 'out_of_order' : 'contradicts';
}

function acknowledged(next: NextState, recorded: RecordedEvent, data: DataOf<'SlipAcknowledged'>): Finding {
  if (next.acknowledgedAt !== null) return 'duplicate';
  const late = next.outcome !== null || next.lastStep !== null ? 'out_of_order' : null;
  next.acknowledgedAt = recorded.receivedTime;
  next.providerReference ??= data.providerReference;
  return providerSpoke(next, data.provider) ?? (hasEnded(next) ? 'after_end' : late);
}

function progressed(next: NextState, _: RecordedEvent, data: DataOf<'SlipProgressed'>): Finding {
  if (next.lastStep === data.step) return 'duplicate';
  const late = next.outcome === null ? null : 'out_of_order';
  next.lastStep = data.step;
  return providerSpoke(next, data.provider) ?? (hasEnded(next) ? 'after_end' : late);
}

/** Whoever speaks of a slip has it, whatever it says. */
function doubted(next: NextState, recorded: RecordedEvent, data: DataOf<'AnswerDoubted'>): Finding {
  next.acknowledgedAt ??= recorded.receivedTime;
  next.providerReference ??= data.providerReference;
  return providerSpoke(next, data.provider) ?? (hasEnded(next) ? 'after_end' : null);
}

/** The first answer stands; one that denies it is a conflict for people, whatever its evidence. */
function returned(next: NextState, recorded: RecordedEvent, data: DataOf<'SlipReturned'>): Finding {
  if (next.outcome !== null) return returnedAgain(next, data);
  const inTime = next.deadline !== null && isInTime(recorded.receivedTime, next.deadline);
  const accused = next.overdueStages.includes('returned');
  next.returnedAfter = tooLateFor(next, accused && !inTime);
  next.outcome = data.outcome;
  next.outcomeReason = data.reason;
  next.evidence = data.evidence;
  next.returnedAmount = data.amount;
  next.returnedAt = recorded.receivedTime;
  next.provider = data.provider ?? next.provider;
  next.providerReference ??= data.providerReference;
  const denied = providerSpoke(next, data.provider);
  const succeeded = data.outcome === 'succeeded';
  if (succeeded ? next.refunded || next.rejection !== null : next.settled) {
    next.conflict = true;
    return 'contradicts';
  }
  if (hasEnded(next)) return 'after_end';
  if (succeeded && next.provedNotExecuted) return 'contradicts';
  return denied ?? (accused && inTime ? 'false_verdict' : null);
}

function returnedAgain(next: NextState, data: DataOf<'SlipReturned'>): Finding {
  if (next.outcome !== data.outcome) {
    if (next.contradictedBy === null || data.outcome === 'succeeded') next.contradictedBy = data.outcome;
    next.conflict = true;
    return 'contradicts';
  }
  const finding = differs(next, data);
  if (finding !== 'duplicate') next.conflict = true;
  return finding === 'duplicate' && cameByItself(next, data) ? null : finding;
}

/** What was learnt by asking is told once more when it comes by itself: it was late, and not lost. */
function cameByItself({ evidence }: NextState, data: DataOf<'SlipReturned'>): boolean {
  return evidence === 'inquiry_answer' && data.evidence === 'signed_callback';
}

/** The same outcome again. A success that names no amount means the one that was asked for. */
function differs(next: NextState, { provider, outcome, amount, providerReference }: DataOf<'SlipReturned'>) {
  if (outcome !== 'succeeded') return 'duplicate';
  if (isOther(next.provider, provider)) return 'contradicts';
  const before = next.returnedAmount ?? next.amount;
  const after = amount ?? next.amount;
  if (before !== null && after !== null && !sameMoney(before, after)) return 'amount_differs';
  const named = next.providerReference !== null && providerReference !== null;
  return named && next.providerReference !== providerReference ? 'reference_differs' : 'duplicate';
}

/** A second provider that executed the slip, too: money moved twice. */
function isOther(first: string | null, second: string | null): boolean {
  return first !== null && second !== null && first !== second;
}

function tooLateFor(next: NextState, overdue: boolean): NextState['returnedAfter'] {
  if (next.refunded) return 'refunded';
  if (next.notReturned !== null) return 'not_returned';
  return overdue ? 'overdue' : null;
}

function inquiryAnswered(next: NextState, _: RecordedEvent, data: DataOf<'InquiryAnswered'>): Finding {
  const proof = data.provesNotExecuted || data.answer === 'never_sent';
  // The gateway's own questions have no number, and only their proof is told.
  const own = data.inquiry === 0;
  if (own ? next.provedNotExecuted : data.inquiry === next.inquiriesAnswered) return 'duplicate';
  const expected = own || (data.inquiry > next.inquiriesAnswered && data.inquiry <= next.inquiries);
  next.inquiries = Math.max(next.inquiries, data.inquiry);
  next.inquiriesAnswered = Math.max(next.inquiriesAnswered, data.inquiry);
  if (proof) next.provedNotExecuted = true;
  if (proof && successReported(next)) return 'contradicts';
  return expected ? null : 'out_of_order';
}

/** Any word of the provider ends the attempt and shows that the slip left. */
function providerSpoke(next: NextState, provider: string | null): Finding {
  const last = next.lastAttempt;
  next.mayHaveLeft = true;
  next.provider ??= provider;
  if (last === null || last.outcome === 'answered') return null;
  next.lastAttempt = { ...last, outcome: 'answered' };
  return last.outcome === 'not_sent' ? 'contradicts' : null;
}
