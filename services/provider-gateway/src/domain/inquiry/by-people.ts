import { addMs, type Instant } from '@slipstream/kernel';
import { isLive } from '@slipstream/slip';
import type { Dispatch } from '../dispatch/state.ts';
import { neverLeft } from '../proof/not-executed.ts';

/** Between two questions of people about one slip, in milliseconds. */
export const peoplesGapMs = 1_000;

export type PeoplesPlan =
  | { readonly plan: 'ask'; readonly provider: string; readonly at: Instant }
  /** There is nobody to be asked; why, for people. */
  | { readonly plan: 'refuse'; readonly detail: string };

export interface PeoplesFacts {
  readonly now: Instant;
  /** When their last question was asked; null: none was. */
  readonly lastAskedAt: Instant | null;
  /** How long after the call this provider may not know of the slip yet; null: it is not configured any more. */
  readonly visibilityDelayMs: (provider: string) => number | null;
}

/**
 * Whom people's question goes to, and when: whoever may have the slip, as soon as it can know of it. Also after the deadline,
 * and after the end: what a provider says then is evidence like any other.
 */
export function planForPeople(dispatch: Dispatch, facts: PeoplesFacts): PeoplesPlan {
  const refuse = (detail: string): PeoplesPlan => ({ plan: 'refuse', detail });
  if (dispatch.mode === 'reported' || !isLive(dispatch.clock)) {
    return refuse('The provider of a reported route cannot be asked.');
  }
  const attempt = attemptAskedAbout(dispatch);
  if (attempt === null) return refuse('Nothing of the slip ever left: there is nobody to be asked.');
  const { provider, from } = attempt;
  const visibilityDelayMs = facts.visibilityDelayMs(provider);
  if (visibilityDelayMs === null) return refuse(`The provider ${provider} is not configured any more.`);
  const bounds = [facts.now, addMs(from, visibilityDelayMs)];
  if (facts.lastAskedAt !== null) bounds.push(addMs(facts.lastAskedAt, peoplesGapMs));
  return { plan: 'ask', provider, at: bounds.toSorted().at(-1)! };
}

/** The latest attempt that may have left, and from when its provider can be asked; null: there is none. */
function attemptAskedAbout(dispatch: Dispatch): { readonly provider: string; readonly from: Instant } | null {
  const { status, provider, notAfter, leaseUntil, earlier } = dispatch;
  if (provider !== null && notAfter !== null && !neverLeft(dispatch)) {
    // What is being sent still has to tell how it ended.
    return { provider, from: status === 'intended' ? (leaseUntil ?? notAfter) : notAfter };
  }
  const before = earlier.findLast(({ end }) => end !== 'not_sent');
  return before ? { provider: before.provider, from: before.notAfter } : null;
}
