import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';
import { followEvent } from './follow-event.ts';
import { dispatch, t0, typesOf } from './spec-support.ts';
import type { Dispatch } from './state.ts';

const asked = (state: Dispatch) => followEvent(state, { type: 'InquiryRequested', data: { inquiry: 2 } }, t0);

describe('a slip in review', () => {
  const inReview = dispatch({ status: 'submitted', nextAt: null });
  const deadline = '2026-11-22T12:00:00.000000Z';

  test('has the deadline of its approval, and is sent when it is held', () => {
    const { dispatch: approved } = followEvent(
      inReview,
      { type: 'SlipApproved', data: { by: 'ann', note: '', deadline } },
      t0,
    );
    expect(approved).toEqual({ ...inReview, deadline });
    const held = followEvent(approved, { type: 'FundsHeld', data: { transaction: null } }, t0);
    expect(held.dispatch).toMatchObject({ status: 'held', deadline, nextAt: t0 });
  });

  test.each<SlipEvent>([
    { type: 'SlipDeclined', data: { by: 'ann', reason: 'other', detail: '' } },
    { type: 'SlipWithdrawn', data: { by: 'shop', reason: '' } },
  ])('that ends there is never sent: $type', (event) => {
    expect(followEvent(inReview, event, t0).dispatch).toEqual({ ...inReview, status: 'refused' });
  });
});

describe('a requested inquiry', () => {
  test.each<[string, Dispatch]>([
    ['may have left', dispatch({ status: 'unanswered', attempt: 1, sentMaybe: true, nextAt: null })],
    ['is being sent', dispatch({ status: 'intended', attempt: 1, nextAt: null })],
  ])('about a slip that %s is put on the list', (_, state) => {
    const { slipId } = state;
    expect(asked(state)).toEqual({
      dispatch: state,
      events: [],
      inquiries: [{ slipId, n: 2, provider: 'acme', dueAt: t0 }],
    });
  });

  test('about a returned slip is answered at once', () => {
    const step = asked(dispatch({ status: 'returned', outcome: 'failed', attempt: 1, sentMaybe: true }));
    expect(typesOf(step)).toEqual(['InquiryAnswered']);
    expect(step.inquiries).toEqual([]);
  });

  test('about a slip that never left is answered at once, and the slip is never sent', () => {
    const step = asked(dispatch());
    expect(step).toMatchObject({
      dispatch: { closedForDispatch: true, nextAt: null },
      events: [{ event: { data: { inquiry: 2, answer: 'never_sent', provesNotExecuted: true } } }],
      inquiries: [],
    });
  });
});

describe('a refund that is asked for', () => {
  const around = { distrusted: new Set<string>(), isOpen: null, recheckLadderMs: () => [5_000, 60_000] };
  const left = { attempt: 1, notAfter: t0, nextAt: null, sentMaybe: true } as const;
  const asked = (state: Dispatch, basis: 'not_executed' | 'no_answer') =>
    followEvent(state, { type: 'RefundRequested', data: { basis, requestedBy: 'ann' } }, t0, around);

  test('without a proof lets the provider be asked by its ladder, from then on', () => {
    const state = dispatch({ ...left, status: 'unanswered' });
    const one = { slipId: state.slipId, provider: 'acme' };
    expect(asked(state, 'no_answer')).toEqual({
      dispatch: { ...state, closedForDispatch: true },
      events: [],
      inquiries: [
        { ...one, n: -3, dueAt: addMs(t0, 5_000) },
        { ...one, n: -4, dueAt: addMs(t0, 60_000) },
      ],
    });
  });

  test.each<[string, Dispatch, 'not_executed' | 'no_answer']>([
    ['on a proof', dispatch({ ...left, status: 'unanswered' }), 'not_executed'],
    ['of a slip that never left', dispatch(), 'no_answer'],
    ['of one that has ended', dispatch({ ...left, status: 'returned', outcome: 'failed' }), 'no_answer'],
    ['of an imported one', dispatch({ ...left, status: 'unanswered', clock: 'import-1' }), 'no_answer'],
    ['on a reported route', dispatch({ ...left, mode: 'reported', provider: null }), 'no_answer'],
  ])('%s asks nobody', (_, state, basis) => {
    expect(asked(state, basis).inquiries).toEqual([]);
  });
});
