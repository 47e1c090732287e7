import { must } from '@slipstream/kernel';
import { type Receipt, type Received, receiveAnswer, slipReturned } from './receive-answer.ts';
import {
  type AttemptEndWord,
  type Chosen,
  type Dispatch,
  type EarlierAttempt,
  pending,
  unchanged,
} from './state.ts';

/**
 * The row of a slip that is to be sent to this provider next. The attempt that was made with another one is kept: what
 * its provider may still say finds it. Only for a slip that provably no provider has or will execute (rule 3).
 */
export function moveTo(dispatch: Dispatch, { provider, choice }: Chosen): Dispatch {
  if (provider === dispatch.provider) return { ...dispatch, choice };
  return {
    ...dispatch,
    provider,
    choice,
    earlier: [...dispatch.earlier, ...latest(dispatch)],
    notAfter: null,
    digest: null,
    firstNotFoundAt: null,
    pollAt: null,
    sentMaybe: false,
  };
}

/** Whether an attempt was begun with the provider that the row names. */
function isBegun(dispatch: Dispatch): boolean {
  return dispatch.notAfter !== null;
}

function latest(dispatch: Dispatch): EarlierAttempt[] {
  const { attempt, provider, notAfter, firstNotFoundAt, sentMaybe } = dispatch;
  if (provider === null || notAfter === null) return [];
  return [{ attempt, provider, notAfter, end: sentMaybe ? 'unanswered' : 'not_sent', firstNotFoundAt }];
}

/** Whether this provider was, or may have been, given the slip. */
export function wasGiven(dispatch: Dispatch, provider: string): boolean {
  return dispatch.provider === provider || dispatch.earlier.some((one) => one.provider === provider);
}

/** With whom an attempt was made: of those in a row with one provider only the last is kept. */
export function providerOf(dispatch: Dispatch, attempt: number): string | null {
  return dispatch.earlier.find((one) => one.attempt >= attempt)?.provider ?? dispatch.provider;
}

/**
 * Takes a provider's word about a slip, of whichever attempt it speaks. The first success stands; one of a second
 * provider is published beside it: the slip was executed twice, and nobody may miss that.
 */
export function hear(dispatch: Dispatch, provider: string, receipt: Receipt): Received {
  if (dispatch.earlier.length === 0) {
    return provider === dispatch.provider ? receiveAnswer(dispatch, receipt) : orphan(dispatch);
  }
  if (isSecondSuccess(dispatch, provider, receipt)) return executedTwice(dispatch, provider, receipt);
  if (provider === dispatch.provider && isBegun(dispatch)) return receiveAnswer(dispatch, receipt);
  const earlier = dispatch.earlier.findLast((one) => one.provider === provider);
  return earlier ? hearEarlier(dispatch, earlier, receipt) : orphan(dispatch);
}

function orphan(dispatch: Dispatch): Received {
  return { ...unchanged(dispatch), reception: 'orphan' };
}

/**
 * A word that nobody counts on any more. That it did not execute the slip is what was proved; anything else says that it
 * has the slip: what was not sent yet is not sent then, and what was runs beside it.
 */
function hearEarlier(dispatch: Dispatch, attempt: EarlierAttempt, receipt: Receipt): Received {
  const { answer } = receipt;
  const failed = answer.kind === 'returned' && answer.outcome !== 'succeeded';
  if (failed && answeredBy(dispatch) !== attempt.provider) {
    return { ...unchanged(ended(dispatch, attempt, 'answered')), reception: 'recorded' };
  }
  if (!isBegun(dispatch)) return receiveAnswer(backTo(dispatch, attempt), receipt);
  const heard = receiveAnswer({ ...dispatch, provider: attempt.provider }, receipt);
  if (heard.reception === 'repeated') return { ...unchanged(dispatch), reception: 'repeated' };
  const end = answer.kind !== 'returned' ? 'answered' : failed ? attempt.end : 'succeeded';
  return { ...heard, dispatch: beside(dispatch, heard.dispatch, attempt, end) };
}

/** The row after an earlier attempt's provider spoke: the latest attempt is still what it tells of. */
function beside(before: Dispatch, after: Dispatch, attempt: EarlierAttempt, end: AttemptEndWord): Dispatch {
  const { provider, status, leaseUntil, nextAt } = before;
  // The call that is under way still has to tell how it ended.
  const calling = status === 'intended' && after.outcome === null ? { status, leaseUntil, nextAt } : {};
  return { ...ended(after, attempt, end), provider, ...calling };
}

/**
 * Folds a provider's word as the log tells it, of whichever attempt, as {@link hear} left the row when it published it.
 * @param fold what the word makes of the row of a slip that is with this provider
 */
export function foldWord(
  dispatch: Dispatch,
  provider: string | null,
  end: AttemptEndWord,
  fold: (dispatch: Dispatch) => Dispatch,
): Dispatch {
  const isLatest = provider === dispatch.provider && isBegun(dispatch);
  const attempt = isLatest ? undefined : dispatch.earlier.findLast((one) => one.provider === provider);
  if (attempt === undefined) return fold(dispatch);
  return isBegun(dispatch) ? beside(dispatch, fold(dispatch), attempt, end) : fold(backTo(dispatch, attempt));
}

/** The slip is with this provider after all, and was given to no later one. */
function backTo(dispatch: Dispatch, { provider, notAfter, attempt }: EarlierAttempt): Dispatch {
  const earlier = dispatch.earlier.filter((one) => one.attempt !== attempt);
  return { ...dispatch, provider, notAfter, digest: null, choice: null, earlier };
}

function ended(dispatch: Dispatch, { attempt }: EarlierAttempt, end: AttemptEndWord): Dispatch {
  const earlier = dispatch.earlier.map((one) => (one.attempt === attempt ? { ...one, end } : one));
  return { ...dispatch, earlier };
}

/** Whose outcome is recorded; null: nobody's. */
function answeredBy({ outcome, provider, earlier }: Dispatch): string | null {
  if (outcome === null) return null;
  return earlier.find((one) => one.end === 'succeeded')?.provider ?? provider;
}

function isSecondSuccess(dispatch: Dispatch, provider: string, { answer }: Receipt): boolean {
  if (dispatch.outcome !== 'succeeded' || answer.kind !== 'returned' || answer.outcome !== 'succeeded') {
    return false;
  }
  const known = dispatch.earlier.some((one) => one.provider === provider && one.end === 'succeeded');
  return !known && answeredBy(dispatch) !== provider && wasGiven(dispatch, provider);
}

/** Its attempt is kept as one that succeeded, the latest one too: said again, it is nothing new. */
function executedTwice(dispatch: Dispatch, provider: string, receipt: Receipt): Received {
  const { answer, evidence, receivedAt } = receipt;
  const attempt = must(
    [...dispatch.earlier, ...latest(dispatch)].findLast((one) => one.provider === provider),
    'a success without an attempt',
  );
  const known = dispatch.earlier.includes(attempt);
  const kept = known ? dispatch : { ...dispatch, earlier: [...dispatch.earlier, attempt] };
  const next = ended(kept, attempt, 'succeeded');
  if (answer.kind !== 'returned') return { ...unchanged(next), reception: 'repeated' };
  return {
    dispatch: next,
    events: [pending(next, slipReturned(provider, answer, evidence), receivedAt)],
    inquiries: [],
    reception: 'contradiction',
  };
}
