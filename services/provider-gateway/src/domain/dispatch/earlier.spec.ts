import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import type { ProviderAnswer } from '../provider/answer.ts';
import { endAttempt, intend, mayIntend } from './attempt.ts';
import { hear, moveTo, providerOf, wasGiven } from './earlier.ts';
import { dispatch, final, inProgress, limits, pending, t0, typesOf } from './spec-support.ts';
import type { Choice, Dispatch } from './state.ts';

const choice: Choice = { reason: 'not_sent', detail: 'acme was provably not sent it.' };
const begin = (state: Dispatch) => intend(state, t0, limits.connectTimeoutMs, limits, 'one');
const notSent = { kind: 'not_sent', reason: 'connection_refused', detail: '' } as const;
const unanswered = { kind: 'unanswered', reason: 'timeout', detail: '' } as const;
const end = (outcome: typeof notSent | typeof unanswered, attempt = 1) => ({
  ...{ attempt, outcome, now: addMs(t0, 500), retryDelayMs: 200, askedAboutAfterMs: 1_000 },
  idempotentByReference: false,
});

const failed = endAttempt(begin(dispatch()), end(notSent)).dispatch;
/** With borealis, which has not been called yet. */
const waiting = moveTo(failed, { provider: 'borealis', choice });
/** Borealis is being called, and was called. */
const calling = begin({ ...waiting, nextAt: t0 });
const silent = endAttempt(calling, end(unanswered, 2)).dispatch;
const say = (state: Dispatch, provider: string, answer: ProviderAnswer) =>
  hear(state, provider, { answer, evidence: 'signed_callback', receivedAt: null, now: t0 });

describe('a slip that goes on to another provider', () => {
  test('keeps the attempt that was made', () => {
    expect(waiting).toMatchObject({ provider: 'borealis', choice, notAfter: null, sentMaybe: false });
    expect(waiting.earlier).toEqual([
      { attempt: 1, provider: 'acme', notAfter: addMs(t0, 1_000), end: 'not_sent', firstNotFoundAt: null },
    ]);
    expect(mayIntend(waiting, addMs(t0, 700))).toBe(true);
    expect(calling).toMatchObject({ status: 'intended', attempt: 2 });
  });

  test('has none to keep when none was made, and the same provider once more changes nothing', () => {
    expect(moveTo(dispatch(), { provider: 'borealis', choice }).earlier).toEqual([]);
    expect(moveTo(failed, { provider: 'acme', choice: null })).toEqual(failed);
  });

  test('is not asked about when the one before was to be asked', () => {
    const polled = { ...failed, pollAt: addMs(t0, 900) };
    expect(moveTo(polled, { provider: 'borealis', choice }).pollAt).toBeNull();
    expect(moveTo(polled, { provider: 'acme', choice }).pollAt).toBe(polled.pollAt);
  });

  test('was given to both, and each attempt was made with one of them', () => {
    const retried = endAttempt(begin({ ...failed, nextAt: t0 }), end(notSent, 2)).dispatch;
    const third = begin({ ...moveTo(retried, { provider: 'borealis', choice }), nextAt: t0 });
    expect([1, 2, 3].map((attempt) => providerOf(third, attempt))).toEqual(['acme', 'acme', 'borealis']);
    expect(['acme', 'borealis', 'cumulus'].map((id) => wasGiven(third, id))).toEqual([true, true, false]);
  });
});

describe('a late word of the provider before', () => {
  test.each<[string, ProviderAnswer, string]>([
    ['that it has the slip', pending, 'SlipAcknowledged'],
    ['of a step', inProgress, 'SlipProgressed'],
    ['that it executed it', final('succeeded'), 'SlipReturned'],
  ])('%s takes back a slip that was not sent to the next one yet', (_, answer, type) => {
    const heard = say(waiting, 'acme', answer);
    expect(heard.events).toMatchObject([{ event: { type, data: { provider: 'acme' } } }]);
    expect(heard.dispatch).toMatchObject({ provider: 'acme', sentMaybe: true, nextAt: null, earlier: [] });
    expect(mayIntend({ ...heard.dispatch, status: 'held', nextAt: t0 }, t0)).toBe(false);
  });

  test('is published beside a call that is under way, which still tells how it ended', () => {
    const heard = say(calling, 'acme', pending);
    expect(heard.events).toMatchObject([{ event: { type: 'SlipAcknowledged', data: { provider: 'acme' } } }]);
    expect(heard.dispatch).toMatchObject({
      ...{ provider: 'borealis', status: 'intended', leaseUntil: calling.leaseUntil },
      ...{ acknowledged: true, earlier: [{ provider: 'acme', end: 'answered' }] },
    });
    expect(typesOf(endAttempt(heard.dispatch, end(unanswered, 2)))).toEqual(['DispatchUnanswered']);
  });

  test('that it failed is no outcome of the slip, which another one has', () => {
    for (const state of [waiting, calling, silent]) {
      const heard = say(state, 'acme', final('failed'));
      expect(heard).toMatchObject({ events: [], reception: 'recorded' });
      expect(heard.dispatch).toMatchObject({ provider: 'borealis', outcome: null, status: state.status });
    }
  });

  test('that it succeeded is the outcome, and a success of the other one is told beside it, once', () => {
    const first = say(silent, 'acme', final('succeeded'));
    expect(first.events).toMatchObject([{ event: { data: { provider: 'acme', outcome: 'succeeded' } } }]);
    const second = say(first.dispatch, 'borealis', final('succeeded'));
    expect(second).toMatchObject({
      reception: 'contradiction',
      events: [{ event: { type: 'SlipReturned', data: { provider: 'borealis', outcome: 'succeeded' } } }],
    });
    for (const id of ['acme', 'borealis']) {
      expect(say(second.dispatch, id, final('succeeded'))).toMatchObject({
        events: [],
        reception: 'repeated',
      });
    }
  });

  test('that it succeeded too is told beside the success of the one that has the slip, once', () => {
    const first = say(silent, 'borealis', final('succeeded'));
    const second = say(first.dispatch, 'acme', final('succeeded'));
    expect(second.events).toMatchObject([{ event: { data: { provider: 'acme', outcome: 'succeeded' } } }]);
    expect(say(second.dispatch, 'acme', final('succeeded')).events).toEqual([]);
    expect(second.dispatch).toMatchObject({ provider: 'borealis', outcome: 'succeeded' });
  });

  test('that it succeeded, after the other one failed, is kept as its own until the refund is known', () => {
    const first = say(silent, 'borealis', final('failed'));
    const second = say(first.dispatch, 'acme', final('succeeded'));
    expect(second).toMatchObject({ events: [], reception: 'contradiction' });
    expect(second.dispatch.lateSuccess).toMatchObject({ provider: 'acme' });
  });

  test('of one that was never given the slip is an orphan', () => {
    for (const state of [dispatch({ attempt: 1 }), waiting, silent]) {
      expect(say(state, 'cumulus', final('succeeded'))).toMatchObject({ events: [], reception: 'orphan' });
    }
    expect(say(waiting, 'borealis', final('succeeded'))).toMatchObject({ reception: 'orphan' });
  });
});
