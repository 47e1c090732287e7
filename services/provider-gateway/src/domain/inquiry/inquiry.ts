import { addMs, earlier, type Instant, instantToMs } from '@slipstream/kernel';
import { isLive, type PendingEvent, providerHasSpoken, type SlipEvent } from '@slipstream/slip';
import { receiveAnswer } from '../dispatch/receive-answer.ts';
import { type Dispatch, pending, type Step } from '../dispatch/state.ts';
import { countsAsNotFound, neverLeft, provesNotExecuted } from '../proof/not-executed.ts';
import type { InquiryOutcome } from '../provider/answer.ts';

/** A question about a slip. n = 0 is this service's own: it gives evidence, and no InquiryAnswered. */
export interface Inquiry {
  readonly slipId: string;
  readonly n: number;
  readonly provider: string;
}

type AnswerWord = Extract<SlipEvent, { type: 'InquiryAnswered' }>['data']['answer'];

export type InquiryPlan =
  | { readonly plan: 'ask' }
  /** An attempt is in flight: nothing it may still do can be asked about yet. */
  | { readonly plan: 'wait'; readonly until: Instant }
  /** Nobody needs to be asked. */
  | { readonly plan: 'answer'; readonly step: Step };

const abandonedCheckMs = 1_000;

/** What to do about a due inquiry. `known` tells whether the provider is still configured. */
export function planInquiry(dispatch: Dispatch, inquiry: Inquiry, now: Instant, known: boolean): InquiryPlan {
  const answer = (word: AnswerWord, detail: string, next: Dispatch = dispatch): InquiryPlan => ({
    plan: 'answer',
    step: {
      dispatch: next,
      inquiries: [],
      events: inquiryAnswered(next, inquiry, word, word === 'never_sent', detail),
    },
  });
  if (dispatch.outcome !== null) return answer('returned', 'The final answer was received already.');
  if (dispatch.status === 'intended') {
    const lease = dispatch.leaseUntil ?? now;
    return { plan: 'wait', until: lease > now ? lease : addMs(now, abandonedCheckMs) };
  }
  if (dispatch.mode === 'reported' || !isLive(dispatch.clock)) {
    return answer('no_answer', 'The provider of a reported route cannot be asked.');
  }
  if (inquiry.n === 0 && now >= dispatch.deadline) {
    return answer('no_answer', 'From the deadline on the reconciler asks.');
  }
  if (neverLeft(dispatch)) {
    const closed: Dispatch = { ...dispatch, closedForDispatch: true, nextAt: null };
    return answer('never_sent', neverSentDetail(dispatch), closed);
  }
  if (!known) return answer('no_answer', 'The provider is not configured any more.');
  return { plan: 'ask' };
}

function neverSentDetail({ attempt }: Dispatch): string {
  return attempt === 0 ? 'No attempt was made.' : `None of ${attempt} attempts left; there will be no other.`;
}

export interface Asked {
  /** The database's clock before the question was sent. */
  readonly askedAt: Instant;
  readonly now: Instant;
  readonly outcome: InquiryOutcome;
  readonly acceptanceDelayMaxMs: number | null;
}

/** Records what the provider answered: evidence, and the answer to the question with what it proves. */
export function answerInquiry(dispatch: Dispatch, inquiry: Inquiry, asked: Asked): Step {
  const { outcome } = asked;
  switch (outcome.kind) {
    case 'answered': {
      const { answer } = outcome;
      const step = receiveAnswer(dispatch, {
        answer,
        evidence: 'inquiry_answer',
        receivedAt: null,
        now: asked.now,
      });
      const word = answer.kind === 'returned' ? 'returned' : 'pending';
      const detail = answer.kind === 'returned' ? `The provider says ${answer.outcome}.` : '';
      const answered = inquiryAnswered(step.dispatch, inquiry, word, false, detail);
      return { ...step, events: [...step.events, ...answered] };
    }
    case 'not_found':
      return notFound(dispatch, inquiry, asked);
    case 'no_answer':
      return {
        dispatch,
        events: inquiryAnswered(dispatch, inquiry, 'no_answer', false, outcome.detail),
        inquiries: [],
      };
    default:
      return outcome satisfies never;
  }
}

const askAgainMsMin = 500;

/**
 * When this service's own question is put again because the provider gave no answer: after a quarter of the time that
 * has gone by since the slip may have left, until the deadline; from there on the reconciler asks. Null: not again.
 */
export function askAgainAt(dispatch: Dispatch, inquiry: Inquiry, { outcome, now }: Asked): Instant | null {
  const { outcome: known, notAfter, deadline } = dispatch;
  if (inquiry.n !== 0 || outcome.kind !== 'no_answer' || known !== null || notAfter === null) return null;
  const goneMs = instantToMs(now) - instantToMs(notAfter);
  const at = addMs(now, Math.max(askAgainMsMin, goneMs / 4));
  return at < deadline ? at : null;
}

function notFound(dispatch: Dispatch, inquiry: Inquiry, asked: Asked): Step {
  const facts = {
    notAfter: dispatch.notAfter,
    acceptanceDelayMaxMs: asked.acceptanceDelayMaxMs,
    quietPeriodMs: dispatch.policy.quietPeriodMs,
    askedAt: asked.askedAt,
    firstNotFoundAt: dispatch.firstNotFoundAt,
    spoken: providerHasSpoken(dispatch),
  };
  const proved = dispatch.status !== 'intended' && provesNotExecuted(facts);
  const first = dispatch.firstNotFoundAt;
  const firstNotFoundAt = !countsAsNotFound(facts)
    ? first
    : first === null
      ? asked.askedAt
      : earlier(first, asked.askedAt);
  const next: Dispatch = {
    ...dispatch,
    firstNotFoundAt,
    closedForDispatch: dispatch.closedForDispatch || proved,
  };
  const detail = proved
    ? `Not found at ${first} and at ${asked.askedAt}, both after the provider could still have accepted it.`
    : 'The provider does not know the slip.';
  return {
    dispatch: next,
    events: inquiryAnswered(next, inquiry, 'not_found', proved, detail),
    inquiries: [],
  };
}

function inquiryAnswered(
  dispatch: Dispatch,
  inquiry: Inquiry,
  answer: AnswerWord,
  provesNotExecuted: boolean,
  detail: string,
): PendingEvent[] {
  if (inquiry.n === 0) return [];
  const { n, provider } = inquiry;
  const data = { inquiry: n, provider, answer, provesNotExecuted, detail };
  return [pending(dispatch, { type: 'InquiryAnswered', data })];
}
