import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import { dispatch, t0 } from '../dispatch/spec-support.ts';
import type { Dispatch } from '../dispatch/state.ts';
import { askedAboutAfterMs, notFoundCountsAfterMs, polled } from './poll.ts';

const terms = {
  ...{ acceptanceDelayMaxMs: 1_000, visibilityDelayMs: 0, pollLadderMs: [500, 2_000, 4_000, 60_000] },
  ...{ failuresFinal: true, connectTimeoutMs: 500, answerTimeoutMs: 1_000 },
};
const answered = dispatch({ status: 'answered', attempt: 1, acknowledged: true, notAfter: t0, nextAt: null });
const next = (state: Dispatch, afterMs: number, more: Partial<typeof terms> = {}) =>
  polled({ dispatch: state, events: [], inquiries: [] }, addMs(t0, afterMs), { ...terms, ...more }).dispatch
    .pollAt;

describe('a slip that its provider has', () => {
  test('a call without an answer is asked about where an answer can prove something', () => {
    const asked = (more: object) =>
      askedAboutAfterMs({ ...terms, cancelByReference: false, ...more } as never);
    expect(asked({ visibilityDelayMs: 5_000 })).toBe(5_000);
    expect(asked({ acceptanceDelayMaxMs: null, visibilityDelayMs: 700 })).toBeNull();
    expect(asked({ acceptanceDelayMaxMs: null, visibilityDelayMs: 700, cancelByReference: true })).toBe(700);
    expect(asked({ cancelByReference: true })).toBe(1_000);
  });

  test('is asked about by the ladder, from when the call may have left last', () => {
    expect(next(answered, 0)).toBe(addMs(t0, 500));
    expect(next(answered, 500)).toBe(addMs(t0, 2_000));
    expect(next(answered, 2_001)).toBe(addMs(t0, 4_000));
  });

  test('is left to the reconciler from its deadline on, and when no rung is left', () => {
    expect(next(answered, 4_000)).toBeNull();
    expect(next(answered, 9_000)).toBeNull();
    expect(next(answered, 600, { pollLadderMs: [500] })).toBeNull();
    expect(next(answered, 0, { pollLadderMs: [] })).toBeNull();
  });

  test('is not asked about before the provider can know of it', () => {
    expect(next(answered, 0, { visibilityDelayMs: 3_000 })).toBe(addMs(t0, 3_000));
    expect(next(answered, 3_000, { visibilityDelayMs: 3_000 })).toBe(addMs(t0, 4_000));
  });

  test('is asked about when it is due already, and not later', () => {
    expect(next({ ...answered, pollAt: t0 }, 0)).toBe(t0);
  });
});

test.each<[string, Partial<Dispatch>]>([
  ['returned', { status: 'returned', outcome: 'failed' }],
  ['waits to be sent', { status: 'held' }],
  ['is being sent', { status: 'intended' }],
  ['lives on an imported clock', { clock: 'import-1' }],
  ['is reported by another service', { mode: 'reported' }],
  ['got no answer, and has a question of its own', { status: 'unanswered' }],
])('a slip that %s is not polled', (_, more) => {
  expect(next({ ...answered, ...more }, 0)).toBeNull();
});

test('an unanswered call is polled where no bound lets NOT_FOUND prove anything', () => {
  const unanswered: Dispatch = { ...answered, status: 'unanswered', acknowledged: false };
  const unbound = { ...terms, acceptanceDelayMaxMs: null };
  const step = { dispatch: unanswered, events: [], inquiries: [] };
  expect(polled(step, t0, unbound).dispatch.pollAt).toBe(addMs(t0, 500));
});

test('a provider that is not configured any more is not polled', () => {
  const step = { dispatch: answered, events: [], inquiries: [] };
  expect(polled(step, t0, null)).toBe(step);
});

test('NOT_FOUND counts when the provider must have decided, and can know', () => {
  expect(notFoundCountsAfterMs(terms)).toBe(1_000);
  expect(notFoundCountsAfterMs({ ...terms, visibilityDelayMs: 5_000 })).toBe(5_000);
  expect(
    notFoundCountsAfterMs({ ...terms, acceptanceDelayMaxMs: null, visibilityDelayMs: 5_000 } as never),
  ).toBeNull();
});
