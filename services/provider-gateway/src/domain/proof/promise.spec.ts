import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import { hear, moveTo } from '../dispatch/earlier.ts';
import { dispatch, doubtful, final, inProgress, pending, t0 } from '../dispatch/spec-support.ts';
import type { Dispatch } from '../dispatch/state.ts';
import type { ProviderAnswer } from '../provider/answer.ts';
import { brokenBy, nextRecheck, providerClockMs, restsOn, tookTooLate } from './promise.ts';

const denied = dispatch({
  ...{ status: 'unanswered', attempt: 1, sentMaybe: true, nextAt: null, notAfter: t0 },
  firstNotFoundAt: addMs(t0, 1_001),
});
const hears = (before: Dispatch, answer: ProviderAnswer, provider = 'acme') => {
  const receipt = { answer, evidence: 'inquiry_answer', receivedAt: null, now: addMs(t0, 9_000) } as const;
  const step = hear(before, provider, receipt);
  return { by: brokenBy(before, step.events), dispatch: step.dispatch };
};

describe('a provider that denied a slip later than it could have accepted it', () => {
  test.each([
    ['has executed it', final('succeeded')],
    ['has it', pending],
    ['works on it', inProgress],
    ['says something about it that nobody knows', doubtful],
  ])('breaks its promise when it %s', (_, answer) => {
    expect(hears(denied, answer).by).toBe('acme');
    expect(hears({ ...denied, closedForDispatch: true, refunded: true }, answer).by).toBe('acme');
  });

  test.each(['failed', 'void'] as const)('keeps it when it says %s', (outcome) => {
    expect(hears(denied, final(outcome)).by).toBeNull();
  });

  test('is told of once, however often it speaks', () => {
    const first = hears(denied, pending);
    expect(hears(first.dispatch, final('succeeded')).by).toBeNull();
  });

  test('breaks it also when the slip went on to another one', () => {
    const moved = moveTo({ ...denied, status: 'held', nextAt: t0 }, { provider: 'bolt', choice: null });
    expect(hears(moved, final('succeeded')).by).toBe('acme');
    const answered = hears(
      { ...moved, status: 'unanswered', attempt: 2, notAfter: t0 },
      final('succeeded'),
      'bolt',
    );
    expect(answered.by).toBeNull();
    expect(hears(answered.dispatch, final('succeeded')).by).toBe('acme');
    expect([restsOn(moved, new Set(['acme'])), restsOn(moved, new Set(['bolt']))]).toEqual([true, false]);
  });
});

test('one that never denied it breaks nothing', () => {
  expect(hears({ ...denied, firstNotFoundAt: null }, final('succeeded')).by).toBeNull();
});

describe('a provider that says when it took a slip', () => {
  const boundMs = 1_000;
  const latestMs = boundMs + providerClockMs;
  const sent = { ...denied, firstNotFoundAt: null };
  const late = { acceptedAt: addMs(t0, latestMs + 1) };
  const judge = (
    before: Dispatch,
    answer: ProviderAnswer,
    { nowMs = 60_000, bound = boundMs as number | null, provider = 'acme' } = {},
  ) => tookTooLate(before, provider, answer, addMs(t0, nowMs), bound);

  test.each([
    ['executed it', final('succeeded')],
    ['has it', pending],
    ['works on it', inProgress],
    ['says something about it that nobody knows', doubtful],
  ])('and %s, broke its promise when that is later than it declares', (_, answer) => {
    expect(judge(sent, { ...answer, ...late })).toBe(true);
    expect(judge(sent, { ...answer, acceptedAt: addMs(t0, latestMs) })).toBe(false);
    expect(judge(sent, answer)).toBe(false);
  });

  test('had taken it when that word came, if its clock is a little ahead', () => {
    const at = (aheadMs: number, nowMs: number) =>
      judge(sent, { ...pending, acceptedAt: addMs(t0, nowMs + aheadMs) }, { nowMs });
    expect([at(1, latestMs), at(1, latestMs + 1)]).toEqual([false, true]);
    expect([at(providerClockMs, latestMs + 1), at(providerClockMs + 1, latestMs + 1)]).toEqual([true, false]);
  });

  test.each([1, -1])(
    'says nothing by a clock that is off by a day (%s), and is taken at its word',
    (sign) => {
      const off = { ...pending, acceptedAt: addMs(t0, sign * 86_400_000) };
      for (const nowMs of [latestMs, latestMs + 1, 60_000]) expect(judge(sent, off, { nowMs })).toBe(false);
    },
  );

  test.each<[string, Dispatch, ProviderAnswer, object]>([
    ['that it did not execute', sent, final('failed'), {}],
    ['of which it declares no bound', sent, pending, { bound: null }],
    ['of which it has spoken before', { ...sent, acknowledged: true }, pending, {}],
    ['that it denied, which is told by that', denied, pending, {}],
    ['that was never sent', { ...sent, notAfter: null }, pending, {}],
    ['that is with another one', sent, pending, { provider: 'bolt' }],
  ])('keeps it by one %s', (_, before, answer, more) => {
    expect(judge(before, { ...answer, ...late }, more)).toBe(false);
  });
});

test('it is asked again by its ladder, from the proof on', () => {
  const next = (afterMs: number) => nextRecheck(t0, addMs(t0, afterMs), [5_000, 60_000]);
  expect([next(0), next(4_999), next(5_000), next(60_000)]).toEqual([
    ...[addMs(t0, 5_000), addMs(t0, 5_000), addMs(t0, 60_000), null],
  ]);
});
