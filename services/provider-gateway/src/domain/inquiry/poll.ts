import { addMs, type Instant } from '@slipstream/kernel';
import { isLive } from '@slipstream/slip';
import type { Dispatch, Step } from '../dispatch/state.ts';
import { declinedStep, type FinalityTerms, failuresCountFrom } from '../provider/finality.ts';

/** When a provider is asked about a slip before its deadline. */
export interface PollLimits {
  /** How long after the call it may not know of the slip yet: it is not asked before, and proves nothing. */
  readonly visibilityDelayMs: number;
  /** From when the call may have left last; ascending. */
  readonly pollLadderMs: readonly number[];
}

/** As {@link PollLimits}, with the bound of rule 3: where it is declared, an unanswered call has a question of its own. */
export interface PollTerms extends PollLimits, FinalityTerms {
  readonly acceptanceDelayMaxMs: number | null;
}

/**
 * The step with the time of the next poll: the provider may have the slip and has not decided, so its news may get lost on
 * the way. `terms` null: the provider is not configured any more.
 */
export function polled<Any extends Step>(step: Any, now: Instant, terms: PollTerms | null): Any {
  const { dispatch } = step;
  if (terms === null || !isWaiting(dispatch, terms)) return step;
  const next = nextPoll(dispatch, now, terms);
  if (next === null || (dispatch.pollAt !== null && dispatch.pollAt <= next)) return step;
  return { ...step, dispatch: { ...dispatch, pollAt: next } };
}

function isWaiting({ status, mode, clock }: Dispatch, { acceptanceDelayMaxMs }: PollTerms): boolean {
  if (mode !== 'dispatched' || !isLive(clock)) return false;
  return status === 'answered' || (status === 'unanswered' && acceptanceDelayMaxMs === null);
}

/** The next rung ahead; null: none is left. From the deadline on the reconciler asks. */
function nextPoll(dispatch: Dispatch, now: Instant, terms: PollTerms): Instant | null {
  const { notAfter, deadline, lastStep } = dispatch;
  if (notAfter === null) return null;
  const { pollLadderMs, visibilityDelayMs, failuresFinal } = terms;
  const rungs = pollLadderMs.map((rung) => addMs(notAfter, Math.max(rung, visibilityDelayMs)));
  // What was declined so far is asked about once more when that is the end.
  if (!failuresFinal && lastStep === declinedStep) rungs.push(failuresCountFrom(dispatch, terms));
  return rungs.toSorted().find((at) => at > now && at < deadline) ?? null;
}

/** From when a call without an answer is asked about by this service, in milliseconds after it; null: by its poll ladder alone. */
export function askedAboutAfterMs(
  terms: Pick<PollTerms, 'acceptanceDelayMaxMs' | 'visibilityDelayMs'> & {
    readonly cancelByReference: boolean;
  },
): number | null {
  return notFoundCountsAfterMs(terms) ?? (terms.cancelByReference ? terms.visibilityDelayMs : null);
}

/** From when a NOT_FOUND counts for rule 3, in milliseconds after the call; null: it never does. */
export function notFoundCountsAfterMs({
  acceptanceDelayMaxMs,
  visibilityDelayMs,
}: Pick<PollTerms, 'acceptanceDelayMaxMs' | 'visibilityDelayMs'>): number | null {
  return acceptanceDelayMaxMs === null ? null : Math.max(acceptanceDelayMaxMs, visibilityDelayMs);
}
