import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import { denied, dispatch, doubtful, final, pending, t0, typesOf } from '../dispatch/spec-support.ts';
import type { InquiryOutcome } from '../provider/answer.ts';
import {
  answerInquiry,
  askAgainAt,
  isToBeCancelled,
  peopleNumber,
  planInquiry,
  pollNumber,
} from './inquiry.ts';

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
  cancelByReference: false,
  next: () => null,
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

  test.each([
    ['a provider could be called', true, 0, 'ourselves'],
    ['no provider could be called', false, 0, 'provider'],
    ['attempts tell themselves why they were not sent', true, 2, null],
  ])('about a slip that was never tried tells who kept it: %s', (_, open, attempt, heldUpBy) => {
    const around = { distrusted: new Set<string>(), isOpen: () => open };
    const plan = planInquiry(dispatch({ attempt }), ask(), t0, true, around);
    expect(plan).toMatchObject({ step: { events: [{ event: { data: { heldUpBy } } }] } });
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

test('a slip that went on from a provider that broke its promise is proved by nothing', () => {
  const earlier = {
    attempt: 1,
    provider: 'acme',
    notAfter: t0,
    end: 'unanswered',
    firstNotFoundAt: t0,
  } as const;
  const moved = dispatch({ provider: 'bolt', attempt: 1, earlier: [earlier] });
  const inquiry = { slipId: moved.slipId, n: 1, provider: 'bolt' };
  const plan = (distrusted: string[]) =>
    planInquiry(moved, inquiry, t0, true, { distrusted: new Set(distrusted), isOpen: null });
  expect(plan(['bolt'])).toMatchObject({
    step: { events: [{ event: { data: { provesNotExecuted: true } } }] },
  });
  expect(plan(['acme'])).toMatchObject({
    step: {
      dispatch: moved,
      events: [{ event: { data: { answer: 'no_answer', provesNotExecuted: false } } }],
    },
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

  test('says beside what was learnt by asking which callbacks were refused meanwhile', () => {
    const callbacksRefused = { refused: 4, accepted: 0, since: t0, until: addMs(t0, 50), slips: 2 };
    const told = (outcome: InquiryOutcome) =>
      answerInquiry(unanswered, ask(), { ...asked(outcome, 100), callbacksRefused }).events;
    const refused = { event: { data: { callbacksRefused } } };
    expect(told({ kind: 'answered', answer: final('succeeded') })).toMatchObject([refused, refused]);
    expect(told({ kind: 'no_answer', detail: 'HTTP 500' })).toMatchObject([refused]);
    const [acknowledged, answered] = told({ kind: 'answered', answer: pending });
    expect(acknowledged!.event.data).not.toHaveProperty('callbacksRefused');
    expect(answered).toMatchObject(refused);
  });

  test('pending: acknowledged, and NOT_FOUND proves nothing any more', () => {
    const step = answerInquiry(unanswered, ask(), asked({ kind: 'answered', answer: pending }, 100));
    expect(typesOf(step)).toEqual(['SlipAcknowledged', 'InquiryAnswered']);
    const later = answerInquiry(step.dispatch, ask(2), asked(denied, 60_000));
    expect(later.events[0]).toMatchObject({ event: { data: { provesNotExecuted: false } } });
    expect(later.dispatch.firstNotFoundAt).toBeNull();
  });

  test('not found: proved by the second that counts, a quiet period after the first', () => {
    const early = answerInquiry(unanswered, ask(1), asked(denied, 900));
    expect(early.dispatch.firstNotFoundAt).toBeNull();
    const first = answerInquiry(early.dispatch, ask(2), asked(denied, 1_100));
    expect(first.dispatch).toMatchObject({ firstNotFoundAt: addMs(t0, 1_100), closedForDispatch: false });
    const soon = answerInquiry(first.dispatch, ask(3), asked(denied, 3_000));
    expect(soon.dispatch.firstNotFoundAt).toBe(addMs(t0, 1_100));
    const second = answerInquiry(soon.dispatch, ask(4), asked(denied, 3_100));
    const proofs = [early, first, soon, second].map(
      ({ events: [one] }) => one?.event.type === 'InquiryAnswered' && one.event.data.provesNotExecuted,
    );
    expect(proofs).toEqual([false, false, false, true]);
    expect(second.dispatch.closedForDispatch).toBe(true);
  });

  test('a question of our own counts as the first NOT_FOUND', () => {
    const own = answerInquiry(unanswered, ask(0), asked(denied, 1_001));
    expect(own.events).toEqual([]);
    const step = answerInquiry(own.dispatch, ask(1), asked(denied, 3_001));
    expect(step.events[0]).toMatchObject({ event: { data: { provesNotExecuted: true } } });
  });

  test('that settles nothing is told as it came, and is not “pending”', () => {
    const step = answerInquiry(unanswered, ask(), asked({ kind: 'answered', answer: doubtful }, 100));
    expect(typesOf(step)).toEqual(['AnswerDoubted', 'InquiryAnswered']);
    expect(step.events[1]).toMatchObject({
      event: {
        data: {
          answer: 'unclear',
          provesNotExecuted: false,
          detail: 'The provider says MAYBE, which settles nothing.',
        },
      },
    });
  });

  test.each([0, pollNumber])('to a question of our own (%i) is told when it proves something', (n) => {
    const first = answerInquiry(unanswered, ask(n), asked(denied, 1_001));
    const second = answerInquiry(first.dispatch, ask(n), asked(denied, 3_001));
    expect(first.events).toEqual([]);
    expect(second.events).toMatchObject([
      {
        event: {
          type: 'InquiryAnswered',
          data: { inquiry: 0, answer: 'not_found', provesNotExecuted: true },
        },
      },
    ]);
    expect(second.dispatch.closedForDispatch).toBe(true);
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
    expect(askAgainAt(unanswered, ask(pollNumber), asked(silent, 190))).toBeNull();
  });
});

describe('a question of our own that was answered NOT_FOUND', () => {
  const again = (afterMs: number, state = unanswered) => {
    const heard = asked(denied, afterMs);
    return askAgainAt(answerInquiry(state, ask(0), heard).dispatch, ask(0), heard);
  };

  test('is put again when the quiet period is over: so the proof comes before the deadline', () => {
    expect(again(1_001)).toBe(addMs(t0, 3_002));
    expect(again(1_100, { ...unanswered, firstNotFoundAt: addMs(t0, 1_001) })).toBe(addMs(t0, 3_002));
  });

  test('is put again when it counts, where the call was made again meanwhile', () => {
    expect(again(900)).toBe(addMs(t0, 1_001));
    const repeated = { ...unanswered, attempt: 2, notAfter: addMs(t0, 5_000), deadline: addMs(t0, 60_000) };
    expect(again(1_100, repeated)).toBe(addMs(t0, 6_001));
  });

  test('is not put again when it is proved, counts for nothing, or the deadline comes first', () => {
    expect(again(3_002, { ...unanswered, firstNotFoundAt: addMs(t0, 1_001) })).toBeNull();
    const once = { ...unanswered, firstNotFoundAt: addMs(t0, 1_001) };
    const unbelieved = { ...asked(denied, 3_002), acceptanceDelayMaxMs: null };
    expect(askAgainAt(answerInquiry(once, ask(0), unbelieved).dispatch, ask(0), unbelieved)).toBeNull();
    expect(again(900, { ...unanswered, acknowledged: true })).toBeNull();
    expect(again(1_001, { ...unanswered, deadline: addMs(t0, 3_002) })).toBeNull();
  });
});

describe('a slip that may go on to another provider', () => {
  const next = () => ({
    provider: 'borealis',
    choice: { reason: 'not_executed', detail: 'Priority 2.' } as const,
  });
  const notFound = (state: typeof unanswered, afterMs: number, n = 0) =>
    answerInquiry(state, ask(n), { ...asked(denied, afterMs), next });
  const once = notFound(unanswered, 1_001).dispatch;

  test('goes on when this service’s own questions prove that it was not executed, and its deadline has not passed', () => {
    expect(once).toMatchObject({ provider: 'acme', firstNotFoundAt: addMs(t0, 1_001) });
    const step = notFound(once, 3_001);
    expect(step).toMatchObject({
      events: [],
      dispatch: {
        ...{ provider: 'borealis', status: 'held', nextAt: addMs(t0, 3_011), sentMaybe: false },
        choice: {
          reason: 'not_executed',
          detail: `Priority 2. Not found at ${addMs(t0, 1_001)} and at ${addMs(t0, 3_001)}.`,
        },
        earlier: [{ provider: 'acme', end: 'unanswered', firstNotFoundAt: addMs(t0, 1_001) }],
      },
    });
  });

  test.each<[string, () => ReturnType<typeof notFound>]>([
    ['by one NOT_FOUND', () => notFound(unanswered, 3_001)],
    ['too soon after the first', () => notFound(once, 3_000)],
    ['when the reconciler asks: it gives the money back', () => notFound(once, 3_001, 1)],
    ['when the provider has spoken', () => notFound({ ...once, acknowledged: true }, 3_001)],
    ['when it is closed', () => notFound({ ...once, closedForDispatch: true }, 3_001)],
    ['past its deadline', () => notFound({ ...once, deadline: addMs(t0, 3_005) }, 3_001)],
    ['when nobody else may be called', () => answerInquiry(once, ask(0), asked(denied, 3_001))],
  ])('does not: %s', (_, answer) => {
    expect(answer().dispatch).toMatchObject({ provider: 'acme', status: 'unanswered', sentMaybe: true });
  });

  const onward = notFound(once, 3_001).dispatch;

  test('is not closed by a stale question of this service’s own', () => {
    expect(planInquiry(onward, ask(0), t0, true)).toMatchObject({ step: { dispatch: onward, events: [] } });
  });

  test('is proved not to be executed when no other attempt was made: by what was proved before', () => {
    expect(planInquiry(onward, ask(1), t0, true)).toMatchObject({
      step: {
        dispatch: { closedForDispatch: true },
        events: [{ event: { data: { answer: 'not_found', provesNotExecuted: true } } }],
      },
    });
  });

  test('is not proved by a NOT_FOUND of the provider before', () => {
    const sent = { ...onward, status: 'unanswered', attempt: 2, notAfter: t0, sentMaybe: true } as const;
    const again = { ...sent, firstNotFoundAt: addMs(t0, 1_001) };
    const step = answerInquiry(again, ask(1), asked(denied, 5_000));
    expect(step).toMatchObject({
      dispatch: again,
      events: [{ event: { data: { answer: 'not_found', provesNotExecuted: false } } }],
    });
  });
});

describe('a slip that its provider does not know, and cancels', () => {
  const cancelled = { ...denied, cancelled: { status: 200, body: Buffer.from('{}') } } as InquiryOutcome;
  const confirmed = (afterMs: number, more: Partial<ReturnType<typeof asked>> = {}) => ({
    ...asked(cancelled, afterMs),
    ...{ acceptanceDelayMaxMs: null, cancelByReference: true, ...more },
  });

  test('is proved not to be executed by that alone, whatever bound is declared', () => {
    const step = answerInquiry(unanswered, ask(), confirmed(1));
    expect(step).toMatchObject({
      denial: 'cancelled',
      dispatch: { closedForDispatch: true, firstNotFoundAt: addMs(t0, 1) },
      events: [{ event: { data: { answer: 'not_found', provesNotExecuted: true } } }],
    });
    expect(step.events[0]).toMatchObject({
      event: { data: { detail: expect.stringMatching(/^Cancelled/) } },
    });
    expect(askAgainAt(step.dispatch, ask(0), confirmed(1))).toBeNull();
  });

  test('goes on to another provider before its deadline', () => {
    const next = () => ({ provider: 'borealis', choice: null });
    const step = answerInquiry(unanswered, ask(0), confirmed(1, { next } as never));
    expect(step).toMatchObject({
      denial: 'cancelled',
      dispatch: {
        ...{ provider: 'borealis', status: 'held' },
        earlier: [{ provider: 'acme', end: 'unanswered', firstNotFoundAt: addMs(t0, 1) }],
      },
    });
  });

  test.each<[string, typeof unanswered, Partial<ReturnType<typeof asked>>, number]>([
    ['whose provider does not declare it, or is not believed', unanswered, { cancelByReference: false }, 1],
    ['of which its provider has spoken', { ...unanswered, acknowledged: true }, {}, 1],
    ['before the last moment at which it could be sent', unanswered, {}, 0],
    ['that is being sent', { ...unanswered, status: 'intended' }, {}, 1],
  ])('is not proved %s', (_, state, more, afterMs) => {
    expect(answerInquiry(state, ask(), confirmed(afterMs, more)).events).toMatchObject([
      { event: { data: { answer: 'not_found', provesNotExecuted: false } } },
    ]);
  });

  test('is asked about again where that was not confirmed', () => {
    const again = { ...asked(denied, 1_000), acceptanceDelayMaxMs: null, cancelByReference: true };
    const { dispatch: left } = answerInquiry(unanswered, ask(0), again);
    expect(askAgainAt(left, ask(0), again)).toBe(addMs(t0, 1_510));
  });

  test.each<[string, boolean, typeof unanswered, number]>([
    ['by this service’s own question', true, unanswered, 0],
    ['by the reconciler’s', true, unanswered, 1],
    ['not when people only ask', false, unanswered, peopleNumber],
    ['not while the call may be repeated', false, { ...unanswered, nextAt: t0 }, 0],
    ['not while it is sent', false, { ...unanswered, status: 'intended' }, 0],
    ['not when its provider has it', false, { ...unanswered, status: 'answered', acknowledged: true }, 0],
    ['not while something may still leave', false, { ...unanswered, notAfter: addMs(t0, 1) }, 0],
    ['not by whom it went on from', false, { ...unanswered, provider: 'borealis' }, 1],
  ])('is cancelled %s', (_, expected, state, n) => {
    expect(isToBeCancelled(state, ask(n), addMs(t0, 1))).toBe(expected);
  });
});
