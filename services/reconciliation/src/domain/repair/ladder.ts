import { addMs, type Instant } from '@slipstream/kernel';
import { isLive, type SubmittedSlip } from '@slipstream/slip';
import type { LastAnswer } from '../diagnosis/observations.ts';
import type { NextStep, WatchedSlip } from '../watch/watched-slip.ts';

/** How long the last inquiry may stay unanswered before people are asked instead. */
export const answerWaitMs = 20_000;
/**
 * A ladder may end just before its proof: NOT_FOUND must be heard twice, a quiet period apart (rule 3), and the first
 * one may have been asked too early to count. So it grows by up to this many rungs while NOT_FOUND is what is heard.
 */
export const extraInquiriesMax = 2;
/** Added to the quiet period, so that the second question surely lies behind its end. */
const quietMarginMs = 250;

/** The step that follows when `asked` inquiries were made. `now` is when the latest was, or the verdict was given. */
export function nextRung({ policy, overdueAt }: SubmittedSlip, asked: number, now: Instant): NextStep {
  const delayMs = policy.inquiryLadderMs[asked];
  if (delayMs === undefined) return { kind: 'conclude', at: asked > 0 ? addMs(now, answerWaitMs) : now };
  return { kind: 'inquire', at: addMs(overdueAt ?? now, delayMs) };
}

/** On a reported route nobody can be asked: as long as a ladder would last, an answer may still be reported. */
export function waitForReport(state: SubmittedSlip, now: Instant): NextStep {
  return { kind: 'conclude', at: addMs(now, state.policy.inquiryLadderMs.at(-1) ?? 0) };
}

/** How long a callback that did not come by itself may still come; then it is lost for good. */
const callbackWaitMs = 3_600_000;

/** An executed slip whose callback seems to be lost is kept a while: when it comes after all, the diagnosis was wrong. */
export function waitForCallback(now: Instant): NextStep {
  return { kind: 'conclude', at: addMs(now, callbackWaitMs) };
}

export function awaitsCallback({ state: { clock, outcome, cause } }: Pick<WatchedSlip, 'state'>): boolean {
  return isLive(clock) && outcome !== null && cause?.code === 'callback_lost';
}

/** What an answer without proof changes: before the ladder's end nothing, at its end one more rung or the end. */
export function afterAnswer({ state, nextStep }: WatchedSlip, last: LastAnswer): NextStep | null {
  const rungs = state.policy.inquiryLadderMs.length;
  if (nextStep?.kind !== 'conclude' || last.inquiry < state.inquiries) return nextStep;
  // The outcome it speaks of is an event of its own, and already on its way.
  if (last.answer === 'returned') return nextStep;
  if (last.answer === 'not_found' && state.inquiries < rungs + extraInquiriesMax) {
    return { kind: 'inquire', at: addMs(last.at, state.policy.quietPeriodMs + quietMarginMs) };
  }
  return { kind: 'conclude', at: last.at };
}
