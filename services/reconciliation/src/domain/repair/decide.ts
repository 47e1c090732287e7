import type { Instant } from '@slipstream/kernel';
import {
  type DataOf,
  hasEnded,
  isLive,
  type NotReturnedBasis,
  type SlipEvent,
  successReported,
} from '@slipstream/slip';
import {
  contradicted,
  doubted,
  isOtherAmount,
  opened,
  paidAfterRefund,
  resolved,
  takenAfterDenial,
} from '../case/reasons.ts';
import { diagnosed } from '../diagnosis/diagnose.ts';
import type { Stall } from '../diagnosis/stalls.ts';
import { isAwaited, isMissed, type NextStep, type WatchedSlip } from '../watch/watched-slip.ts';
import { requestedByItself } from './budget.ts';
import { afterAnswer, awaitsCallback, nextRung, waitForCallback, waitForReport } from './ladder.ts';

/** What a decision is about. */
export type Occasion =
  /** An event that was just folded into the slip: another service's, or one that was decided here. */
  | { readonly type: 'event'; readonly event: SlipEvent }
  /** The deadline can be judged: every answer received by then was read, and none was in time (rule 6). */
  | { readonly type: 'deadline_judged' }
  /** The time of the next step has come. */
  | { readonly type: 'step_due' }
  /** The imported clock is closed, and judged up to its end. */
  | { readonly type: 'clock_closed' }
  /** People decided it (`domain/case/act.ts`). */
  | { readonly type: 'people_decided'; readonly events: readonly SlipEvent[] };

/** What follows: events to be published and folded, in this order, and what is done next. */
export interface Decision {
  readonly events: readonly SlipEvent[];
  readonly nextStep: NextStep | null;
}

/** A slip, and when our own services stood still. */
type Known = WatchedSlip & { readonly stalls: readonly Stall[] };

/**
 * Everything that reconciliation decides about a slip, from what is known of it and of our own stalls. Whoever folds the events asks again
 * about each of them, so one decision leads to the next. The same occasion on the slip it led to gives no event.
 */
export function decide(
  slip: WatchedSlip,
  occasion: Occasion,
  now: Instant,
  stalls: readonly Stall[],
): Decision {
  const decision = follow({ ...slip, stalls }, occasion, now);
  return hasEnded(slip.state) && !awaitsCallback(slip) ? { ...decision, nextStep: null } : decision;
}

function follow(slip: Known, occasion: Occasion, now: Instant): Decision {
  switch (occasion.type) {
    case 'event':
      return react(slip, occasion.event, now);
    case 'deadline_judged':
      return slip.verdict === 'open' ? { ...keep(slip), events: [overdue(slip)] } : keep(slip);
    case 'step_due':
      return takeStep(slip, now);
    case 'clock_closed':
      return conclude(slip, 'no_answer');
    case 'people_decided':
      return { ...keep(slip), events: occasion.events };
    default:
      return occasion satisfies never;
  }
}

function react(slip: Known, event: SlipEvent, now: Instant): Decision {
  switch (event.type) {
    case 'SlipOverdue':
      return beginRepair(slip, now);
    case 'SlipReturned':
      return answered(slip, event.data);
    case 'SlipAcknowledged':
    case 'SlipProgressed':
      return { ...keep(slip), events: takenAfterDenial(slip.state) };
    case 'AnswerDoubted':
      return { ...keep(slip), events: doubted(slip.state, event.data) };
    case 'SlipRefunded':
      return {
        ...keep(slip),
        events: [...paidAfterRefund(slip.state), ...resolved(slip.state, 'refunded')],
      };
    case 'InquiryAnswered':
      return inquiryAnswered(slip);
    // More is known of our secret than when its cause was told.
    case 'CallbackRefused':
      return { ...keep(slip), events: slip.state.cause === null ? [] : diagnosed(slip) };
    case 'SlipNotReturned':
      return notReturned(slip, event.data.basis);
    case 'SlipDiagnosed':
      return awaitsCallback(slip) ? { events: [], nextStep: waitForCallback(now) } : keep(slip);
    default:
      return keep(slip);
  }
}

/** Nothing follows. */
function keep({ nextStep }: Known): Decision {
  return { events: [], nextStep };
}

function overdue({ state }: Known): SlipEvent {
  return { type: 'SlipOverdue', data: { stage: 'returned', deadline: state.deadline } };
}

/** Begins to find out what became of an overdue slip; an answer that came too late may have been read already. */
function beginRepair(slip: Known, now: Instant): Decision {
  const { state } = slip;
  if (state.outcome !== null) return { events: tooLate(slip), nextStep: null };
  if (hasEnded(state)) return { events: diagnosed(slip), nextStep: null };
  // An import is concluded when its clock is closed: until then its answers are still being read.
  if (!isLive(state.clock)) return keep(slip);
  if (state.provedNotExecuted) return conclude(slip, 'not_executed');
  // Concluded, or begun already.
  if (!isMissed(slip) || slip.nextStep !== null) return keep(slip);
  if (state.mode === 'reported') return { events: [], nextStep: waitForReport(state, now) };
  return takeStep({ ...slip, nextStep: nextRung(state, state.inquiries, now) }, now);
}

/** The provider's answer: too late for the verdict, or a rejection that must be explained, or not as it was asked to. */
function answered(slip: Known, answer: DataOf<'SlipReturned'>): Decision {
  const { state, verdict } = slip;
  const explained =
    verdict === 'in_time' && !state.settled && state.outcome !== 'succeeded' && isLive(state.clock);
  const inTime = [...(explained ? diagnosed(slip) : []), ...resolved(state, 'returned')];
  const events = verdict === 'overdue' ? tooLate(slip) : inTime;
  const nextStep = verdict === 'overdue' ? null : slip.nextStep;
  return { events: [...events, ...contradictions(slip), ...contradicted(state, answer)], nextStep };
}

/** The answer came after all: says why so late, and resolves what waited for it. */
function tooLate(slip: Known): SlipEvent[] {
  return [...diagnosed(slip), ...lateReturnFound(slip), ...resolved(slip.state, 'returned')];
}

function lateReturnFound({ state }: Known): SlipEvent[] {
  const { deadline, returnedAt: receivedAt, returnedAfter: after } = state;
  if (state.lateReturnNoted || after === null || receivedAt === null) return [];
  return [{ type: 'LateReturnFound', data: { deadline, receivedAt, after } }];
}

/** What an answer says against what is known; only people can clear it up. */
function contradictions({ state }: Known): SlipEvent[] {
  return [...paidAfterRefund(state), ...(isOtherAmount(state) ? opened(state, 'amount_mismatch') : [])];
}

function inquiryAnswered(slip: Known): Decision {
  const { state, observations, nextStep } = slip;
  // A proof needs no deadline: nothing that may still come can be a success.
  if (state.provedNotExecuted) return conclude(slip, 'not_executed');
  if (!isMissed(slip)) return keep(slip);
  const last = observations.lastAnswer;
  return { events: [], nextStep: last ? afterAnswer(slip, last) : nextStep };
}

/** Asks the provider once more, or draws the conclusion, if it is time. */
function takeStep(slip: Known, now: Instant): Decision {
  const { nextStep, state } = slip;
  if (nextStep === null || nextStep.at > now) return keep(slip);
  if (!isMissed(slip)) return { events: [], nextStep: null };
  if (nextStep.kind === 'inquire') return inquire(slip, now);
  return state.mode === 'reported' ? conclude(slip, 'no_answer') : leaveUnknown(slip);
}

function inquire({ state }: WatchedSlip, now: Instant): Decision {
  // On a reported route there is nobody to ask.
  if (state.mode !== 'dispatched') return { events: [], nextStep: null };
  const inquiry = state.inquiries + 1;
  return {
    events: [{ type: 'InquiryRequested', data: { inquiry } }],
    nextStep: nextRung(state, inquiry, now),
  };
}

/** Silence alone never fails a dispatched slip (rule 2): it takes the proof, or that nobody can be asked. */
function conclude(slip: Known, basis: NotReturnedBasis): Decision {
  const { provedNotExecuted, mode, deadline } = slip.state;
  const founded =
    basis === 'not_executed' ? provedNotExecuted && isAwaited(slip) : mode === 'reported' && isMissed(slip);
  if (!founded) return keep(slip);
  return { events: [{ type: 'SlipNotReturned', data: { basis, deadline } }], nextStep: null };
}

/** Says why it did not return; with rule 3's proof the money is asked for, and the ledger arbitrates that (rule 7). */
function notReturned(slip: Known, basis: NotReturnedBasis): Decision {
  const { state } = slip;
  if (basis === 'no_answer')
    return { events: [...diagnosed(slip), ...opened(state, 'no_answer')], nextStep: null };
  const events = [...diagnosed(slip), ...refundRequested(slip), ...resolved(state, 'not_executed')];
  return { events, nextStep: null };
}

function refundRequested({ state }: Known): SlipEvent[] {
  if (state.refundRequested || successReported(state) || hasEnded(state)) return [];
  return [{ type: 'RefundRequested', data: { basis: 'not_executed', requestedBy: requestedByItself } }];
}

/** The ladder is climbed and nothing is proved: the slip stays unknown, and people take over. Never a refund. */
function leaveUnknown(slip: Known): Decision {
  return { events: [...diagnosed(slip), ...opened(slip.state, 'inquiry_exhausted')], nextStep: null };
}
