import { describe, expect, test } from '@jest/globals';
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
