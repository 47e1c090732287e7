import { addMs, earlier, type Instant, instantToMs } from '@slipstream/kernel';
import {
  type DataOf,
  isLive,
  type PendingEvent,
  providerHasSpoken,
  type RefusedCallbacks,
} from '@slipstream/slip';
import { hear, moveTo } from '../dispatch/earlier.ts';
import { type Chosen, type Dispatch, type NewInquiry, pending, type Step } from '../dispatch/state.ts';
import { countsAsNotFound, type NotFoundFacts, neverLeft, provesNotExecuted } from '../proof/not-executed.ts';
import { restsOn } from '../proof/promise.ts';
import type { InquiryOutcome, ProviderAnswer } from '../provider/answer.ts';

/** The number of a question of the poll ladder. */
export const pollNumber = -1;
/** The number of a question that people put: one a slip, asked anew each time. */
export const peopleNumber = -2;
/** The number of the first question about a slip that people gave back; from it downwards, one for each rung of the recheck ladder. */
export const givenBackNumber = -3;

/**
 * A question about a slip. The reconciler's are numbered from 1. n = 0 and below ({@link pollNumber}, {@link peopleNumber},
 * {@link givenBackNumber}) are this service's own: they give evidence, and no InquiryAnswered but for a proof.
 */
export interface Inquiry {
  readonly slipId: string;
  readonly n: number;
  readonly provider: string;
}

type AnswerWord = DataOf<'InquiryAnswered'>['answer'];

/** An answer that proves that nothing was executed. */
type Proving = Pick<DataOf<'InquiryAnswered'>, 'heldUpBy'>;

/** What came of a question, for people. */
export interface Said {
  readonly answer: AnswerWord;
  readonly detail: string;
}

export type InquiryPlan =
  | { readonly plan: 'ask' }
  /** An attempt is in flight: nothing it may still do can be asked about yet. */
  | { readonly plan: 'wait'; readonly until: Instant }
  /** Nobody needs to be asked. */
  | { readonly plan: 'answer'; readonly step: Step; readonly said: Said };

const abandonedCheckMs = 1_000;

/**
 * When the provider is asked about a slip that people gave back without a proof, counted from now: it may have executed it, or may do so
 * yet, and from then on nobody else asks. What was proved is asked about again by its own row (`application/recheck.ts`).
 */
export function askedWhenGivenBack(
  dispatch: Dispatch,
  basis: DataOf<'RefundRequested'>['basis'],
  now: Instant,
  ladderMs: readonly number[],
): NewInquiry[] {
  return basis === 'not_executed' ? [] : askedBehindTheEnd(dispatch, now, ladderMs);
}

/** Questions by this ladder about a slip that its provider may have, and that nobody else asks about any more. */
export function askedBehindTheEnd(
  dispatch: Dispatch,
  now: Instant,
  ladderMs: readonly number[],
): NewInquiry[] {
  const { slipId, provider, mode, clock, outcome } = dispatch;
  const isUnknown = mode === 'dispatched' && isLive(clock) && outcome === null;
  if (!isUnknown || provider === null || neverLeft(dispatch)) return [];
  return ladderMs.map((ms, rung) => ({ slipId, n: givenBackNumber - rung, provider, dueAt: addMs(now, ms) }));
}

/** What is known of the providers when a question is answered without them. */
export interface Surroundings {
  /** Providers whose NOT_FOUND prove nothing. */
  readonly distrusted: ReadonlySet<string>;
  /** Whether some provider of a route can be called, seen from here; null: nobody looked. */
  readonly isOpen: ((route: string) => boolean) | null;
  /** When a provider is asked again about what it may not have executed; ascending. */
  readonly recheckLadderMs?: (provider: string | null) => readonly number[];
}

const nothingKnown: Surroundings = { distrusted: new Set(), isOpen: null };

/** What to do about a due inquiry. `known` tells whether the provider is still configured. */
export function planInquiry(
  dispatch: Dispatch,
  inquiry: Inquiry,
  now: Instant,
  known: boolean,
  around: Surroundings = nothingKnown,
): InquiryPlan {
  const answer = (word: AnswerWord, detail: string, next = dispatch, proves?: Proving): InquiryPlan => ({
    plan: 'answer',
    step: { dispatch: next, inquiries: [], events: inquiryAnswered(next, inquiry, word, detail, proves) },
    said: { answer: word, detail },
  });
  const byPeople = inquiry.n === peopleNumber;
  if (dispatch.outcome !== null && !byPeople) {
    return answer('returned', 'The final answer was received already.');
  }
  if (dispatch.status === 'intended') {
    const lease = dispatch.leaseUntil ?? now;
    return { plan: 'wait', until: lease > now ? lease : addMs(now, abandonedCheckMs) };
  }
  if (dispatch.mode === 'reported' || !isLive(dispatch.clock)) {
    return answer('no_answer', 'The provider of a reported route cannot be asked.');
  }
  const endsAtDeadline = inquiry.n === 0 || inquiry.n === pollNumber;
  if (endsAtDeadline && now >= dispatch.deadline) {
    return answer('no_answer', 'From the deadline on the reconciler asks.');
  }
  // A question of this service's own about an attempt before it was handed on: its next one is still to be made.
  const wasEarlier = byPeople && wasSentTo(dispatch, inquiry.provider);
  if (inquiry.n <= 0 && neverLeft(dispatch) && !wasEarlier) return answer('no_answer', 'It is with nobody.');
  if (neverLeft(dispatch) && !wasEarlier) {
    if (restsOn(dispatch, around.distrusted)) {
      return answer(
        'no_answer',
        'It went on from a provider that broke its promise since: nothing is proved.',
      );
    }
    const closed: Dispatch = { ...dispatch, closedForDispatch: true, nextAt: null };
    const proved = dispatch.earlier.some(({ end }) => end === 'unanswered');
    if (proved) return answer('not_found', provedDetail(dispatch), closed, { heldUpBy: null });
    const heldUpBy = whoHeldUp(dispatch, around);
    return answer('never_sent', neverSentDetail(dispatch, heldUpBy), closed, { heldUpBy });
  }
  if (!known) return answer('no_answer', 'The provider is not configured any more.');
  return { plan: 'ask' };
}

/** Whether an attempt with this provider, before the slip was handed on, may have left. */
function wasSentTo({ earlier }: Dispatch, provider: string): boolean {
  return earlier.some((one) => one.provider === provider && one.end !== 'not_sent');
}

function provedDetail({ earlier }: Dispatch): string {
  const proved = earlier.filter(({ end }) => end === 'unanswered').map(({ provider }) => provider);
  return `Proved before it was handed on that ${proved.join(' and ')} did not execute it; no other attempt left.`;
}

type HeldUpBy = DataOf<'InquiryAnswered'>['heldUpBy'] & string;

/**
 * Who kept a slip from being tried at all. While a provider could be called it was ourselves: we were not there, or had taken
 * more than we could send. Attempts have said themselves why they were not sent.
 */
function whoHeldUp({ attempt, route }: Dispatch, { isOpen }: Surroundings): HeldUpBy | null {
  if (attempt > 0 || isOpen === null) return null;
  return isOpen(route) ? 'ourselves' : 'provider';
}

const heldUp: Readonly<Record<HeldUpBy, string>> = {
  ourselves: 'No attempt was made, though a provider of its route could be called.',
  provider: 'No attempt was made: no provider of its route could be called.',
};

function neverSentDetail({ attempt }: Dispatch, heldUpBy: HeldUpBy | null): string {
  if (attempt > 0) return `None of ${attempt} attempts left; there will be no other.`;
  return heldUpBy === null ? 'No attempt was made.' : heldUp[heldUpBy];
}

export interface Asked {
  /** The database's clock before the question was sent. */
  readonly askedAt: Instant;
  readonly now: Instant;
  readonly outcome: InquiryOutcome;
  readonly acceptanceDelayMaxMs: number | null;
  /** Its confirmed cancellation is believed. */
  readonly cancelByReference: boolean;
  /** Who else it may be sent to, should this prove that it was not executed; null: nobody. */
  readonly next: (dispatch: Dispatch) => Chosen | null;
  /** Callbacks of the provider that were refused since the call; null or absent: none was. */
  readonly callbacksRefused?: RefusedCallbacks | null;
}

/** What a question came to. `denial`: what its NOT_FOUND is worth; null: nothing, or it was another answer. */
export interface Answered extends Step {
  readonly denial: 'counts' | 'proves' | 'cancelled' | null;
}

/**
 * Whether a provider that does not know the slip, and takes cancellations, is told never to execute it: then nothing that is still on its way
 * to it can be executed, and nobody needs to wait. Not while the call may be repeated there, nor when people only ask.
 */
export function isToBeCancelled(dispatch: Dispatch, { n, provider }: Inquiry, now: Instant): boolean {
  const { status, notAfter, nextAt } = dispatch;
  if (n === peopleNumber || provider !== dispatch.provider || status !== 'unanswered') return false;
  return nextAt === null && notAfter !== null && now > notAfter && !providerHasSpoken(dispatch);
}

/** Records what the provider answered: evidence, and the answer to the question with what it proves. */
export function answerInquiry(dispatch: Dispatch, inquiry: Inquiry, asked: Asked): Answered {
  const answered = answerOf(dispatch, inquiry, asked);
  const { callbacksRefused = null } = asked;
  if (callbacksRefused === null) return answered;
  return { ...answered, events: answered.events.map((event) => beside(event, callbacksRefused)) };
}

/** What was learnt by asking while its provider's own word may have been refused says so. */
function beside(pending: PendingEvent, callbacksRefused: RefusedCallbacks): PendingEvent {
  const { event } = pending;
  switch (event.type) {
    case 'SlipReturned':
      return { ...pending, event: { ...event, data: { ...event.data, callbacksRefused } } };
    case 'InquiryAnswered':
      return { ...pending, event: { ...event, data: { ...event.data, callbacksRefused } } };
    default:
      return pending;
  }
}

function answerOf(dispatch: Dispatch, inquiry: Inquiry, asked: Asked): Answered {
  const { outcome } = asked;
  switch (outcome.kind) {
    case 'answered': {
      const { answer } = outcome;
      const receipt = { answer, evidence: 'inquiry_answer', receivedAt: null, now: asked.now } as const;
      const step = hear(dispatch, inquiry.provider, receipt);
      const said = wordOf(answer);
      const answered = inquiryAnswered(step.dispatch, inquiry, said.answer, said.detail);
      return { ...step, events: [...step.events, ...answered], denial: null };
    }
    case 'not_found':
      return notFound(dispatch, inquiry, asked);
    case 'no_answer':
      return {
        dispatch,
        events: inquiryAnswered(dispatch, inquiry, 'no_answer', outcome.detail),
        inquiries: [],
        denial: null,
      };
    default:
      return outcome satisfies never;
  }
}

/** What a question came to, for people. */
export function saidBy(outcome: InquiryOutcome): Said {
  switch (outcome.kind) {
    case 'answered':
      return wordOf(outcome.answer);
    case 'not_found':
      return { answer: 'not_found', detail: 'The provider does not know the slip.' };
    default:
      return { answer: 'no_answer', detail: outcome.detail };
  }
}

function wordOf(answer: ProviderAnswer): Said {
  switch (answer.kind) {
    case 'returned':
      return { answer: 'returned', detail: `The provider says ${answer.outcome}.` };
    case 'doubtful':
      return { answer: 'unclear', detail: `The provider says ${answer.said}, which settles nothing.` };
    default:
      return { answer: 'pending', detail: '' };
  }
}

const askAgainMsMin = 500;

/**
 * When this service's own question is put again, until the deadline; from there on the reconciler asks. Null: not again.
 * @param dispatch as the answer left it
 */
export function askAgainAt(dispatch: Dispatch, inquiry: Inquiry, asked: Asked): Instant | null {
  const { outcome, now, acceptanceDelayMaxMs } = asked;
  if (inquiry.n !== 0 || dispatch.outcome !== null) return null;
  // What it denies proves nothing: its poll ladder goes on.
  const proves = acceptanceDelayMaxMs !== null || asked.cancelByReference;
  if (outcome.kind === 'not_found' && !proves) return null;
  const at =
    outcome.kind === 'no_answer'
      ? afterNoAnswer(dispatch, now)
      : outcome.kind === 'not_found'
        ? afterNotFound(dispatch, asked)
        : null;
  return at !== null && at < dispatch.deadline ? at : null;
}

/** After a quarter of the time that has gone by since the slip may have left. */
function afterNoAnswer({ notAfter }: Dispatch, now: Instant): Instant | null {
  if (notAfter === null) return null;
  const goneMs = instantToMs(now) - instantToMs(notAfter);
  return addMs(now, Math.max(askAgainMsMin, goneMs / 4));
}

/**
 * Once the quiet period is over: the second NOT_FOUND proves what the first could not (rule 3). One that was asked before
 * the call was repeated counts for nothing: then from when the provider must have decided about that one.
 */
function afterNotFound(dispatch: Dispatch, { askedAt, now, acceptanceDelayMaxMs }: Asked): Instant | null {
  const { firstNotFoundAt, closedForDispatch, policy, notAfter, status } = dispatch;
  if (closedForDispatch) return null;
  // A cancellation that was not confirmed is asked for again.
  if (acceptanceDelayMaxMs === null) return status === 'unanswered' ? afterNoAnswer(dispatch, now) : null;
  if (firstNotFoundAt !== null) return addMs(firstNotFoundAt, policy.quietPeriodMs + 1);
  if (notAfter === null || providerHasSpoken(dispatch)) return null;
  const countsFrom = addMs(notAfter, acceptanceDelayMaxMs + 1);
  return askedAt < countsFrom ? countsFrom : null;
}

function notFound(dispatch: Dispatch, inquiry: Inquiry, asked: Asked): Answered {
  // It was handed on since: what proves something is asked of whom it is with.
  if (inquiry.provider !== dispatch.provider) {
    const detail = 'The provider does not know the slip, which another one has by now.';
    return {
      dispatch,
      events: inquiryAnswered(dispatch, inquiry, 'not_found', detail),
      inquiries: [],
      denial: null,
    };
  }
  const facts = {
    notAfter: dispatch.notAfter,
    acceptanceDelayMaxMs: asked.acceptanceDelayMaxMs,
    quietPeriodMs: dispatch.policy.quietPeriodMs,
    askedAt: asked.askedAt,
    firstNotFoundAt: dispatch.firstNotFoundAt,
    spoken: providerHasSpoken(dispatch),
  };
  const cancelled = isCancelled(asked, facts);
  const proved = dispatch.status !== 'intended' && (cancelled || provesNotExecuted(facts));
  const first = dispatch.firstNotFoundAt;
  const counts = cancelled || countsAsNotFound(facts);
  const firstNotFoundAt = !counts ? first : first === null ? asked.askedAt : earlier(first, asked.askedAt);
  const denial = proved ? (cancelled ? 'cancelled' : 'proves') : counts ? 'counts' : null;
  const proof = cancelled
    ? `Cancelled by our reference at ${asked.askedAt}.`
    : `Not found at ${firstNotFoundAt} and at ${asked.askedAt}.`;
  const onward = proved ? handedOn({ ...dispatch, firstNotFoundAt }, inquiry, asked, proof) : null;
  if (onward !== null) return { ...onward, denial };
  const next: Dispatch = {
    ...dispatch,
    firstNotFoundAt,
    closedForDispatch: dispatch.closedForDispatch || proved,
  };
  const detail = proved ? `${proof} ${whyProof(cancelled)}` : 'The provider does not know the slip.';
  return {
    dispatch: next,
    events: inquiryAnswered(next, inquiry, 'not_found', detail, proved ? { heldUpBy: null } : undefined),
    inquiries: [],
    denial,
  };
}

function whyProof(cancelled: boolean): string {
  if (cancelled) return 'The provider, which did not know it, has confirmed that it never executes it.';
  return 'Both times are later than the provider could have accepted it.';
}

/** Whether its provider has confirmed that it never executes what it does not know, after the last moment at which anything left. */
function isCancelled(
  { outcome, cancelByReference, askedAt }: Asked,
  { notAfter, spoken }: NotFoundFacts,
): boolean {
  if (outcome.kind !== 'not_found' || outcome.cancelled === undefined) return false;
  return cancelByReference && !spoken && notAfter !== null && askedAt > notAfter;
}

/**
 * Before its deadline a slip that was provably not executed goes to another provider of its route (rule 3), when this
 * service asked by itself: whoever else asks gets the proof, and gives the money back on it. Null: it does not.
 */
function handedOn(dispatch: Dispatch, { n }: Inquiry, { now, next }: Asked, proof: string): Step | null {
  if (n > 0 || dispatch.closedForDispatch || now >= dispatch.deadline) return null;
  const chosen = next(dispatch);
  if (chosen === null || chosen.provider === dispatch.provider) return null;
  const { choice, provider } = chosen;
  const told = choice && { ...choice, detail: `${choice.detail} ${proof}` };
  const moved = moveTo(dispatch, { provider, choice: told });
  return { dispatch: { ...moved, status: 'held', nextAt: now }, events: [], inquiries: [] };
}

function inquiryAnswered(
  dispatch: Dispatch,
  inquiry: Inquiry,
  answer: AnswerWord,
  detail: string,
  proves?: Proving,
): PendingEvent[] {
  const { n, provider } = inquiry;
  const provesNotExecuted = proves !== undefined;
  if (n <= 0 && !provesNotExecuted) return [];
  const heldUpBy = proves?.heldUpBy ?? null;
  const data = { inquiry: Math.max(n, 0), provider, answer, provesNotExecuted, detail, heldUpBy };
  return [pending(dispatch, { type: 'InquiryAnswered', data })];
}
