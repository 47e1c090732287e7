import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ProviderAnswer } from '../provider/answer.ts';
import { followEvent } from './follow-event.ts';
import { receiveAnswer } from './receive-answer.ts';
import { dispatch, doubtful, final, inProgress, pending, t0, typesOf } from './spec-support.ts';
import type { Dispatch } from './state.ts';
import { toldMax } from './told.ts';

const unanswered = dispatch({ status: 'unanswered', attempt: 1, sentMaybe: true, nextAt: null });
const take = (state: Dispatch, answer: ProviderAnswer) =>
  receiveAnswer(state, { answer, evidence: 'signed_callback', receivedAt: null, now: t0 });
const refund = (state: Dispatch) =>
  followEvent(state, { type: 'SlipRefunded', data: { transaction: null, reason: '' } }, t0);

describe('an answer', () => {
  test('is recorded once, however often the words come', () => {
    const one = take(unanswered, pending);
    expect(typesOf(one)).toEqual(['SlipAcknowledged']);
    const two = take(one.dispatch, inProgress);
    expect(typesOf(two)).toEqual(['SlipProgressed']);
    const three = take(two.dispatch, final('void'));
    expect(typesOf(three)).toEqual(['SlipReturned']);
    for (const word of [pending, inProgress, final('void')]) {
      expect(take(three.dispatch, word)).toMatchObject({ events: [], reception: 'repeated' });
    }
  });

  test('that only acknowledges says nothing new behind a step: a reply may be slower than a callback', () => {
    const progressed = take(unanswered, inProgress).dispatch;
    expect(take(progressed, pending)).toEqual({
      dispatch: progressed,
      events: [],
      inquiries: [],
      reception: 'repeated',
    });
  });

  test.each([
    ['never sent', dispatch()],
    ['not held', dispatch({ status: 'submitted' })],
    ['refused', dispatch({ status: 'refused' })],
  ])('about a slip that was %s is an orphan', (_, state) => {
    expect(take(state, final('succeeded'))).toMatchObject({ events: [], reception: 'orphan' });
  });

  test('ends the polling', () => {
    expect(take({ ...unanswered, pollAt: t0 }, final('failed')).dispatch.pollAt).toBeNull();
  });
});

describe('what was learnt by asking, and comes by itself after all', () => {
  const late = '2026-11-22T10:00:05.000001Z';
  const by = (state: Dispatch, evidence: 'inquiry_answer' | 'signed_callback', now: string) =>
    receiveAnswer(state, { answer: final('succeeded'), evidence, receivedAt: null, now });
  const asked = by(unanswered, 'inquiry_answer', late).dispatch;

  test('behind the deadline is told once more, and not again', () => {
    const told = by(asked, 'signed_callback', late);
    expect(told.events).toMatchObject([
      { event: { type: 'SlipReturned', data: { outcome: 'succeeded', evidence: 'signed_callback' } } },
    ]);
    expect(told.reception).toBe('repeated');
    expect(by(told.dispatch, 'signed_callback', late)).toMatchObject({ events: [], reception: 'repeated' });
  });

  test('is nothing new where it was learnt in time, or when it was asked for again', () => {
    const inTime = by(unanswered, 'inquiry_answer', '2026-11-22T10:00:05.000000Z').dispatch;
    expect(by(inTime, 'signed_callback', late)).toMatchObject({ events: [], reception: 'repeated' });
    expect(by(asked, 'inquiry_answer', late)).toMatchObject({ events: [], reception: 'repeated' });
  });
});

describe('an answer that says otherwise than the first', () => {
  const eur = (amount: bigint) => ({ amount: { amount, currency: 'EUR' } });
  const succeeded = take(unanswered, { ...final('succeeded'), ...eur(1250n) }).dispatch;

  test.each<[string, ProviderAnswer]>([
    ['a failure', { ...final('failed'), reason: 'AC04' }],
    ['a void', final('void')],
    ['another amount', { ...final('succeeded'), ...eur(600n) }],
    ['another currency', { ...final('succeeded'), amount: { amount: 1250n, currency: 'JPY' } }],
    [
      'the same amount once more, under another reference',
      { ...final('succeeded'), ...eur(1250n), providerReference: 'p-2' },
    ],
  ])('is an event with its evidence, and the first stands: %s', (_, answer) => {
    const again = take(succeeded, answer);
    expect(again).toMatchObject({
      reception: 'contradiction',
      events: [{ event: { type: 'SlipReturned', data: { evidence: 'signed_callback' } } }],
      dispatch: { outcome: 'succeeded', status: 'returned', evidence: 'signed_callback' },
    });
    const { kind, ...said } = answer;
    expect(again.events[0]!.event.data).toMatchObject(said);
    expect(take(again.dispatch, answer)).toMatchObject({ events: [], reception: 'repeated' });
  });

  test.each<[string, ProviderAnswer]>([
    ['names no amount', final('succeeded')],
    ['names no reference', { ...final('succeeded'), ...eur(1250n), providerReference: null }],
    ['comes once more', { ...final('succeeded'), ...eur(1250n) }],
  ])('is none that only %s', (_, answer) => {
    expect(take(succeeded, answer)).toMatchObject({ events: [], reception: 'repeated' });
  });

  test('is the amount that was not all of it, when the first named none', () => {
    const all = take(unanswered, final('succeeded')).dispatch;
    expect(typesOf(take(all, { ...final('succeeded'), ...eur(400n) }))).toEqual(['SlipReturned']);
    expect(take(all, { ...final('succeeded'), ...eur(1250n) }).reception).toBe('repeated');
  });

  test('is no other failure, whatever amount it names', () => {
    const failed = take(unanswered, final('failed')).dispatch;
    const again = { ...final('failed'), ...eur(1n), providerReference: 'p-2' };
    expect(take(failed, again)).toMatchObject({ events: [], reception: 'repeated' });
  });

  describe('and is a line of a statement, by which it came back', () => {
    const shown = (state: Dispatch, amount: bigint | null, bookedOn?: string, occurrence?: number) =>
      receiveAnswer(state, {
        answer: {
          ...{ ...final('failed'), amount: amount === null ? null : { amount, currency: 'EUR' } },
          ...(bookedOn && { bookedOn }),
          ...(occurrence && { occurrence }),
        },
        ...{ evidence: 'statement_line', receivedAt: null, now: t0 },
      });

    test('is told though a bare word said so before, once', () => {
      const denied = take(succeeded, final('failed')).dispatch;
      for (const day of [undefined, '2026-11-23']) {
        const told = shown(denied, null, day);
        expect(told.events).toMatchObject([
          { event: { type: 'SlipReturned', data: { outcome: 'failed', evidence: 'statement_line' } } },
        ]);
        expect(shown(told.dispatch, null, day).reception).toBe('repeated');
        expect(take(told.dispatch, final('failed')).reception).toBe('repeated');
      }
    });

    test('is another part on another day, or of another amount', () => {
      let state = succeeded;
      for (const [amount, day] of [
        [300n, '2026-11-23'],
        [300n, '2026-11-24'],
        [400n, '2026-11-24'],
      ] as const) {
        const told = shown(state, amount, day);
        expect(told.events).toMatchObject([{ event: { data: { bookedOn: day, amount: { amount } } } }]);
        expect(shown(told.dispatch, amount, day)).toMatchObject({ events: [], reception: 'repeated' });
        state = told.dispatch;
      }
      expect(shown(state, 300n, '2026-11-23').reception).toBe('repeated');
    });

    test('is another part where one statement has two of one amount and day', () => {
      const first = shown(succeeded, 300n, '2026-11-23');
      const second = shown(first.dispatch, 300n, '2026-11-23', 2);
      expect(second.events).toMatchObject([{ event: { data: { bookedOn: '2026-11-23', occurrence: 2 } } }]);
      for (const occurrence of [undefined, 2])
        expect(shown(second.dispatch, 300n, '2026-11-23', occurrence).reception).toBe('repeated');
    });

    test('says nothing new of what never succeeded', () => {
      const failed = take(unanswered, final('failed')).dispatch;
      expect(shown(failed, 300n, '2026-11-23').reception).toBe('repeated');
    });
  });

  test('is told so many times and no more: from there on it is counted', () => {
    let state = succeeded;
    let events = 0;
    for (let amount = 1n; amount < 100n; amount++) {
      const step = take(state, { ...final('succeeded'), ...eur(amount) });
      expect(step.reception).toBe('contradiction');
      events += step.events.length;
      state = step.dispatch;
    }
    expect(events).toBe(toldMax - 1);
  });

  test('is known of a slip of the release before by its outcome alone', () => {
    const before = { ...succeeded, told: [] };
    expect(take(before, final('succeeded')).reception).toBe('repeated');
    expect(typesOf(take(before, final('failed')))).toEqual(['SlipReturned']);
  });
});

describe('a word that settles nothing', () => {
  test('is told once as it came, shows that the provider has the slip, and lets it be asked at once', () => {
    const one = take(unanswered, doubtful);
    expect(one).toMatchObject({
      reception: 'doubtful',
      events: [
        {
          event: { type: 'AnswerDoubted', data: { doubt: 'word_unknown', said: 'MAYBE', provider: 'acme' } },
        },
      ],
      dispatch: { status: 'answered', acknowledged: true, outcome: null, pollAt: t0 },
    });
    expect(take(one.dispatch, doubtful)).toMatchObject({ events: [], reception: 'repeated' });
    expect(typesOf(take(one.dispatch, { ...doubtful, said: 'PERHAPS' } as ProviderAnswer))).toEqual([
      'AnswerDoubted',
    ]);
    expect(typesOf(take(one.dispatch, final('succeeded')))).toEqual(['SlipReturned']);
  });

  test('when asked is not asked for again at once', () => {
    const receipt = { answer: doubtful, evidence: 'inquiry_answer', receivedAt: null, now: t0 } as const;
    expect(receiveAnswer(unanswered, receipt).dispatch.pollAt).toBeNull();
  });

  test('after the end is told all the same, and changes nothing of it', () => {
    const ended = take(unanswered, final('succeeded')).dispatch;
    const after = take(ended, doubtful);
    expect(typesOf(after)).toEqual(['AnswerDoubted']);
    expect(after.dispatch).toMatchObject({ status: 'returned', outcome: 'succeeded', pollAt: null });
  });
});

describe('a success after a refund', () => {
  test('is published when it is the first answer', () => {
    const refunded = refund(unanswered).dispatch;
    expect(refunded).toMatchObject({ closedForDispatch: true, refunded: true });
    expect(typesOf(take(refunded, final('succeeded')))).toEqual(['SlipReturned']);
  });

  test('is published once when it denies a failure', () => {
    const failed = refund(take(unanswered, final('failed')).dispatch).dispatch;
    const late = take(failed, final('succeeded'));
    expect(late.events).toHaveLength(1);
    expect(late.events[0]).toMatchObject({ event: { data: { outcome: 'succeeded' } } });
    expect(take(late.dispatch, final('succeeded')).events).toEqual([]);
    expect(take(late.dispatch, final('failed')).events).toEqual([]);
    expect(typesOf(take(late.dispatch, final('void')))).toEqual(['SlipReturned']);
  });

  test('waits for the refund when it comes between the failure and the refund', () => {
    const failed = take(unanswered, final('failed')).dispatch;
    const early = take(failed, final('succeeded'));
    expect(early).toMatchObject({ events: [], reception: 'contradiction' });
    const refunded = refund(early.dispatch);
    expect(refunded.events[0]).toMatchObject({
      event: { type: 'SlipReturned', data: { outcome: 'succeeded' } },
      receivedAt: t0,
    });
    expect(refund(refunded.dispatch).events).toEqual([]);
  });
});

test('property: whatever is said, each outcome is told once, and a success behind a failure only after the refund', () => {
  const word = fc.constantFrom<ProviderAnswer | 'refund'>(
    pending,
    inProgress,
    final('succeeded'),
    final('failed'),
    final('void'),
    'refund',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      let state = unanswered;
      const outcomes: string[] = [];
      for (const one of words) {
        const step = one === 'refund' ? refund(state) : take(state, one);
        for (const { event } of step.events) {
          if (event.type === 'SlipReturned') outcomes.push(event.data.outcome);
        }
        state = step.dispatch;
      }
      expect(new Set(outcomes).size).toBe(outcomes.length);
      if (outcomes.indexOf('succeeded') > 0) expect(words).toContain('refund');
      expect(state.nextAt).toBeNull();
    }),
  );
});
