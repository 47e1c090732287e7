import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import { dispatch, final, pending, t0, typesOf } from '../dispatch/spec-support.ts';
import type { InquiryOutcome } from '../provider/answer.ts';
import { answerInquiry, askAgainAt, planInquiry } from './inquiry.ts';

const unanswered = dispatch({
  status: 'unanswered',
  attempt: 1,
  sentMaybe: true,
  nextAt: null,
  notAfter: t0,
});
const ask = (n = 1) => ({ slipId: unanswered.slipId, n, provider: 'acme' });
const asked = (outcome: InquiryOutcome, afterMs: number) => ({
  askedAt: addMs(t0, afterMs),
  now: addMs(t0, afterMs + 10),
  outcome,
  acceptanceDelayMaxMs: 1_000,
});

describe('a due inquiry', () => {
  test('about a slip that may have left is asked', () => {
    expect(planInquiry(unanswered, ask(), t0, true)).toEqual({ plan: 'ask' });
  });

  test('waits while an attempt is in flight, until its lease has ended', () => {
    const intended = dispatch({ status: 'intended', attempt: 1, leaseUntil: addMs(t0, 400) });
    expect(planInquiry(intended, ask(), t0, true)).toEqual({ plan: 'wait', until: addMs(t0, 400) });
    expect(planInquiry(intended, ask(), addMs(t0, 500), true)).toEqual({
      plan: 'wait',
      until: addMs(t0, 1_500),
    });
  });

  test.each([
    ['before any attempt', dispatch()],
    ['after attempts that were not sent', dispatch({ attempt: 2, nextAt: addMs(t0, 50) })],
    ['before the hold', dispatch({ status: 'submitted', nextAt: null })],
  ])('%s: never sent, and closed for dispatch with the same commit', (_, state) => {
    const plan = planInquiry(state, ask(), t0, true);
    expect(plan).toMatchObject({
      plan: 'answer',
      step: {
        dispatch: { closedForDispatch: true, nextAt: null },
        events: [{ event: { data: { answer: 'never_sent', provesNotExecuted: true } } }],
      },
    });
  });

  test('of this service’s own is left to the reconciler from the deadline on', () => {
    const { deadline } = unanswered;
    expect(planInquiry(unanswered, ask(0), addMs(deadline, -1), true)).toEqual({ plan: 'ask' });
    expect(planInquiry(unanswered, ask(0), deadline, true)).toMatchObject({
      plan: 'answer',
      step: { dispatch: unanswered, events: [] },
    });
    expect(planInquiry(unanswered, ask(1), deadline, true)).toEqual({ plan: 'ask' });
  });

  test.each([
    ['a returned slip', dispatch({ status: 'returned', outcome: 'failed', attempt: 1 }), true, 'returned'],
    ['a reported route', dispatch({ mode: 'reported', provider: null }), true, 'no_answer'],
    ['a provider taken out of the rules', unanswered, false, 'no_answer'],
  ] as const)('about %s needs no question', (_, state, known, answer) => {
    expect(planInquiry(state, ask(), t0, known)).toMatchObject({
      step: { events: [{ event: { data: { answer, provesNotExecuted: false } } }] },
    });
  });
});

describe('the provider’s answer', () => {
  test('returned: the evidence first, then the answer', () => {
    const step = answerInquiry(
      unanswered,
      ask(),
      asked({ kind: 'answered', answer: final('succeeded') }, 100),
    );
    expect(typesOf(step)).toEqual(['SlipReturned', 'InquiryAnswered']);
    expect(step.events[0]).toMatchObject({ event: { data: { evidence: 'inquiry_answer' } } });
  });

  test('pending: acknowledged, and NOT_FOUND proves nothing any more', () => {
    const step = answerInquiry(unanswered, ask(), asked({ kind: 'answered', answer: pending }, 100));
    expect(typesOf(step)).toEqual(['SlipAcknowledged', 'InquiryAnswered']);
    const later = answerInquiry(step.dispatch, ask(2), asked({ kind: 'not_found' }, 60_000));
    expect(later.events[0]).toMatchObject({ event: { data: { provesNotExecuted: false } } });
    expect(later.dispatch.firstNotFoundAt).toBeNull();
  });

  test('not found: proved by the second that counts, a quiet period after the first', () => {
    const early = answerInquiry(unanswered, ask(1), asked({ kind: 'not_found' }, 900));
    expect(early.dispatch.firstNotFoundAt).toBeNull();
    const first = answerInquiry(early.dispatch, ask(2), asked({ kind: 'not_found' }, 1_100));
    expect(first.dispatch).toMatchObject({ firstNotFoundAt: addMs(t0, 1_100), closedForDispatch: false });
    const soon = answerInquiry(first.dispatch, ask(3), asked({ kind: 'not_found' }, 3_000));
    expect(soon.dispatch.firstNotFoundAt).toBe(addMs(t0, 1_100));
    const second = answerInquiry(soon.dispatch, ask(4), asked({ kind: 'not_found' }, 3_100));
    const proofs = [early, first, soon, second].map(
      ({ events: [one] }) => one?.event.type === 'InquiryAnswered' && one.event.data.provesNotExecuted,
    );
    expect(proofs).toEqual([false, false, false, true]);
    expect(second.dispatch.closedForDispatch).toBe(true);
  });

  test('a question of our own counts as the first NOT_FOUND', () => {
    const own = answerInquiry(unanswered, ask(0), asked({ kind: 'not_found' }, 1_001));
    expect(own.events).toEqual([]);
    const step = answerInquiry(own.dispatch, ask(1), asked({ kind: 'not_found' }, 3_001));
    expect(step.events[0]).toMatchObject({ event: { data: { provesNotExecuted: true } } });
  });

  test('none: says why', () => {
    const step = answerInquiry(unanswered, ask(), asked({ kind: 'no_answer', detail: 'HTTP 500' }, 100));
    expect(step.events[0]).toMatchObject({
      event: { data: { answer: 'no_answer', provesNotExecuted: false, detail: 'HTTP 500' } },
    });
  });
});

describe('a question of our own that found no answer', () => {
  const silent: InquiryOutcome = { kind: 'no_answer', detail: 'ECONNREFUSED' };
  const again = (afterMs: number, state = unanswered) => askAgainAt(state, ask(0), asked(silent, afterMs));

  test('is put again after a quarter of the time that has gone by, and never within half a second', () => {
    expect(again(190)).toBe(addMs(t0, 200 + 500));
    expect(again(3_190)).toBe(addMs(t0, 3_200 + 800));
  });

  test('is left to the reconciler from the deadline on', () => {
    const due = { ...unanswered, deadline: addMs(t0, 6_000) };
    expect(again(4_782, due)).toBe(addMs(t0, 5_990));
    expect(again(4_790, due)).toBeNull();
  });

  test('needs no other time when the answer came another way, and others answer for themselves', () => {
    expect(again(190, { ...unanswered, outcome: 'succeeded' })).toBeNull();
    expect(askAgainAt(unanswered, ask(1), asked(silent, 190))).toBeNull();
    expect(askAgainAt(unanswered, ask(0), asked({ kind: 'not_found' }, 190))).toBeNull();
  });
});
