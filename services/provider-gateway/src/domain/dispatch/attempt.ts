import { addMs, type Instant, must } from '@slipstream/kernel';
import { isLive, type PendingEvent, providerHasSpoken } from '@slipstream/slip';
import type { CallOutcome } from '../provider/answer.ts';
import { hear, providerOf } from './earlier.ts';
import { type Dispatch, pending, type Step, unchanged } from './state.ts';

/** Beyond the answer's own time limit: for the commit of the outcome. */
export const leaseMarginMs = 1_000;

export interface CallLimits {
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  /** Longest time between sending and the provider's decision to accept; null: none is declared (rule 3). */
  readonly acceptanceDelayMaxMs: number | null;
}

/** Once an attempt may have left, so many are made at most, those before it included; then the provider is only asked. */
export const attemptsMax = 5;

/**
 * Whether an attempt may be made now (rules 1 and 3; never at or after the deadline). `isIdempotent`: by its declaration
 * the provider takes the same call again for the same order.
 */
export function mayIntend(dispatch: Dispatch, now: Instant, isIdempotent = false): boolean {
  return (
    (isFresh(dispatch) || (isIdempotent && mayRepeat(dispatch))) &&
    dispatch.mode === 'dispatched' &&
    isLive(dispatch.clock) &&
    dispatch.provider !== null &&
    dispatch.nextAt !== null &&
    dispatch.nextAt <= now &&
    now < dispatch.deadline &&
    !dispatch.closedForDispatch
  );
}

/** No attempt of it may have left. */
function isFresh({ status, sentMaybe }: Dispatch): boolean {
  return status === 'held' && !sentMaybe;
}

/** A call without an answer, about which nobody has said anything: whoever spoke has the slip, and is asked. */
function mayRepeat(dispatch: Dispatch): boolean {
  return dispatch.status === 'unanswered' && dispatch.attempt < attemptsMax && !providerHasSpoken(dispatch);
}

/**
 * The row with its next attempt written ahead, but for the digest; the event follows when that is known.
 * @param startMs how long after `now` the call may begin
 */
export function intend(
  dispatch: Dispatch,
  now: Instant,
  startMs: number,
  limits: CallLimits,
  owner: string,
): Dispatch {
  const notAfter = addMs(now, startMs);
  return {
    ...dispatch,
    status: 'intended',
    attempt: dispatch.attempt + 1,
    notAfter,
    // Of what is to be sent now: whoever prepares it says it.
    digest: null,
    owner,
    leaseUntil: addMs(notAfter, limits.answerTimeoutMs + leaseMarginMs),
    nextAt: null,
    // A NOT_FOUND of before proves nothing about what may leave now.
    firstNotFoundAt: null,
  };
}

export function dispatchIntended(dispatch: Dispatch): PendingEvent {
  const provider = must(dispatch.provider, 'an attempt without a provider');
  const notAfter = must(dispatch.notAfter, 'an attempt without not_after');
  const digest = must(dispatch.digest, 'an attempt without its digest');
  const { attempt, choice } = dispatch;
  const { reason, detail } = choice ?? { reason: null, detail: null };
  const data = { attempt, provider, digest, notAfter, reason, detail };
  return pending(dispatch, { type: 'DispatchIntended', data });
}

export interface AttemptEnd {
  readonly attempt: number;
  readonly outcome: CallOutcome;
  readonly now: Instant;
  /** How long to wait before the next attempt, should this one not have been sent. */
  readonly retryDelayMs: number;
  /** This service asks so long after the call, should it have no answer; null: not by itself. */
  readonly askedAboutAfterMs: number | null;
  /** By its declaration the same call again is the same order to its provider, never a second one. */
  readonly idempotentByReference: boolean;
}

/** Nobody knows what became of these calls, or of who made them: they are asked about alone (rule 1). */
const neverRepeated: ReadonlySet<string> = new Set(['restart', 'not_recorded']);

/**
 * Records how an attempt ended. An answer counts whenever it comes, also from a sender that was taken for dead; any
 * other end counts only while this very attempt is open: after DispatchUnanswered there is no "not sent".
 */
export function endAttempt(dispatch: Dispatch, end: AttemptEnd): Step {
  const { now } = end;
  const refusal = refusalOfRepeat(dispatch, end);
  const outcome = refusal ?? end.outcome;
  if (outcome.kind === 'answered') {
    const { answer } = outcome;
    const receipt = { answer, evidence: 'synchronous_reply', receivedAt: null, now } as const;
    return hear(dispatch, must(providerOf(dispatch, end.attempt), 'an attempt without a provider'), receipt);
  }
  if (dispatch.status !== 'intended' || dispatch.attempt !== end.attempt) return unchanged(dispatch);
  const provider = must(dispatch.provider, 'an attempt without a provider');
  const { attempt } = dispatch;
  const { reason, detail } = outcome;
  const ended: Dispatch = { ...dispatch, owner: null, leaseUntil: null };
  const retryAt = addMs(now, Math.max(end.retryDelayMs, outcome.retryAfterMs ?? 0));
  if (outcome.kind === 'not_sent') {
    const next: Dispatch = { ...ended, ...notSent(dispatch), nextAt: nextAttempt(dispatch, now, retryAt) };
    const event = { type: 'DispatchNotSent', data: { attempt, provider, reason, detail } } as const;
    const inquiries = next.status === 'unanswered' ? ownInquiry(next, provider, end.askedAboutAfterMs) : [];
    return { dispatch: next, events: [pending(next, event)], inquiries };
  }
  // What its provider meant by a refusal it says when it is asked, which is at once.
  const asked = refusal === null ? {} : { pollAt: now };
  const left: Dispatch = { ...ended, ...asked, status: 'unanswered', sentMaybe: true };
  const isRepeatable = refusal === null && !neverRepeated.has(reason);
  const repeated = end.idempotentByReference && isRepeatable && mayRepeat(left);
  const next: Dispatch = repeated ? { ...left, nextAt: nextAttempt(dispatch, now, retryAt) } : left;
  const event = { type: 'DispatchUnanswered', data: { attempt, provider, reason, detail } } as const;
  return {
    dispatch: next,
    events: [pending(next, event)],
    inquiries: ownInquiry(next, provider, end.askedAboutAfterMs),
  };
}

type Unanswered = Extract<CallOutcome, { kind: 'unanswered' }>;

/**
 * That a call is refused which was made before says that the repeat was refused: the call before may have been taken, and a provider
 * that looks at limits, times or signatures before references refuses what it works on. Null: it is no such word.
 */
function refusalOfRepeat(dispatch: Dispatch, { attempt, outcome }: AttemptEnd): Unanswered | null {
  const isRepeat = dispatch.status === 'intended' && dispatch.attempt === attempt && dispatch.sentMaybe;
  if (!isRepeat || outcome.kind !== 'answered' || providerHasSpoken(dispatch)) return null;
  const { answer } = outcome;
  if (answer.kind !== 'returned' || answer.outcome === 'succeeded') return null;
  const said = answer.reason === null ? answer.outcome : `${answer.outcome}, ${answer.reason}`;
  const detail = `The repeat of a call that may have been taken was refused: ${said}.`;
  return { kind: 'unanswered', reason: 'garbage', detail };
}

/** What an attempt that was not sent leaves: an earlier one that may have left is still without its answer. */
export function notSent(dispatch: Dispatch): Pick<Dispatch, 'status'> {
  const isRepeat = dispatch.sentMaybe && !providerHasSpoken(dispatch);
  return { status: isRepeat ? 'unanswered' : 'held' };
}

/**
 * When the next attempt is due; null: never. A deadline that has passed by this one reading of the clock ends nothing, for
 * the clock may have jumped: then it is due from when the intent said, by an earlier reading, and not sent while it has passed.
 */
function nextAttempt(dispatch: Dispatch, now: Instant, retryAt: Instant): Instant | null {
  if (dispatch.closedForDispatch) return null;
  if (now >= dispatch.deadline) return dispatch.notAfter;
  return retryAt < dispatch.deadline ? retryAt : null;
}

/** This service asks by itself, from when the provider must have decided whether it takes the slip (ADR 10). */
export function ownInquiry(dispatch: Dispatch, provider: string, afterMs: number | null) {
  if (afterMs === null || dispatch.notAfter === null) return [];
  // One millisecond later than the bound, because only NOT_FOUND asked after it counts.
  const dueAt = addMs(dispatch.notAfter, afterMs + 1);
  return [{ slipId: dispatch.slipId, n: 0, provider, dueAt }];
}
