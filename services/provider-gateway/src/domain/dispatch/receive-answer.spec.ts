import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ProviderAnswer } from '../provider/answer.ts';
import { followEvent } from './follow-event.ts';
import { receiveAnswer } from './receive-answer.ts';
import { dispatch, final, inProgress, pending, t0, typesOf } from './spec-support.ts';
import type { Dispatch } from './state.ts';

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

  test('that denies the outcome is a contradiction, and the first one stands', () => {
    const succeeded = take(unanswered, final('succeeded')).dispatch;
    expect(take(succeeded, final('failed'))).toMatchObject({
      events: [],
      reception: 'contradiction',
      dispatch: { outcome: 'succeeded' },
    });
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

test('property: any words any number of times give at most one answer, and one more only for a late success', () => {
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
      expect(outcomes.length).toBeLessThanOrEqual(2);
      if (outcomes.length === 2) {
        expect(outcomes[0]).not.toBe('succeeded');
        expect(outcomes[1]).toBe('succeeded');
        expect(words).toContain('refund');
      }
      expect(state.nextAt).toBeNull();
    }),
  );
});
