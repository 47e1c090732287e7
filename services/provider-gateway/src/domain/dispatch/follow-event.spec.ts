import { describe, expect, test } from '@jest/globals';
import { followEvent } from './follow-event.ts';
import { dispatch, t0, typesOf } from './spec-support.ts';
import type { Dispatch } from './state.ts';

const asked = (state: Dispatch) => followEvent(state, { type: 'InquiryRequested', data: { inquiry: 2 } }, t0);

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
