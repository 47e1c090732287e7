import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import fc from 'fast-check';
import { asDeclared, type CallOutcome } from '../provider/answer.ts';
import { type AttemptEnd, endAttempt, intend, mayIntend } from './attempt.ts';
import { dispatch, final, limits, pending, t0, typesOf } from './spec-support.ts';

const notSent: CallOutcome = { kind: 'not_sent', reason: 'connection_refused', detail: '' };
const unanswered: CallOutcome = { kind: 'unanswered', reason: 'timeout', detail: '' };
const end = (outcome: CallOutcome, more: Partial<AttemptEnd> = {}): AttemptEnd => ({
  attempt: 1,
  outcome,
  now: addMs(t0, 500),
  retryDelayMs: 200,
  acceptanceDelayMaxMs: 1_000,
  ...more,
});
const intended = intend(dispatch(), t0, limits.connectTimeoutMs, limits, 'one');

describe('an attempt is made', () => {
  test('when a held slip is due, with its limits measured from the claim', () => {
    expect(mayIntend(dispatch(), t0)).toBe(true);
    expect(intended).toMatchObject({
      status: 'intended',
      attempt: 1,
      notAfter: addMs(t0, 1_000),
      leaseUntil: addMs(t0, 5_000),
      nextAt: null,
    });
  });

  test.each([
    ['not held', { status: 'submitted' }],
    ['not due', { nextAt: addMs(t0, 1) }],
    ['at its deadline', { deadline: t0 }],
    ['closed', { closedForDispatch: true }],
    ['perhaps sent before', { sentMaybe: true }],
    ['reported by others', { mode: 'reported' }],
    ['of an import', { clock: 'import-1' }],
    ['in flight', { status: 'intended' }],
    ['unanswered', { status: 'unanswered' }],
  ] as const)('never for a slip that is %s', (_, more) => {
    expect(mayIntend(dispatch(more), t0)).toBe(false);
  });
});

describe('an attempt ends', () => {
  test('not sent: the slip waits for the next attempt', () => {
    const step = endAttempt(intended, end(notSent));
    expect(typesOf(step)).toEqual(['DispatchNotSent']);
    expect(step.dispatch).toMatchObject({ status: 'held', nextAt: addMs(t0, 700), sentMaybe: false });
  });

  test('not sent, and asked to wait: the next attempt comes no sooner', () => {
    const after = (retryAfterMs: number) =>
      endAttempt(intended, end({ ...notSent, retryAfterMs })).dispatch.nextAt;
    expect([after(100), after(3_000)]).toEqual([addMs(t0, 700), addMs(t0, 3_500)]);
    expect(after(9_000)).toBeNull();
  });

  test('throttled: not sent only where the provider declares that', () => {
    const throttled: CallOutcome = { kind: 'unanswered', reason: 'throttled', detail: '', retryAfterMs: 700 };
    expect(asDeclared(throttled, false)).toBe(throttled);
    expect(asDeclared(unanswered, true)).toBe(unanswered);
    const step = endAttempt(intended, end(asDeclared(throttled, true)));
    expect(typesOf(step)).toEqual(['DispatchNotSent']);
    expect(step.dispatch).toMatchObject({ status: 'held', nextAt: addMs(t0, 1_200), sentMaybe: false });
  });

  test('not sent: no attempt follows at or after the deadline', () => {
    const step = endAttempt(intended, end(notSent, { retryDelayMs: 4_500 }));
    expect(step.dispatch).toMatchObject({ status: 'held', nextAt: null });
  });

  test('unanswered: never sent again, and asked about once the provider must have decided', () => {
    const step = endAttempt(intended, end(unanswered));
    expect(typesOf(step)).toEqual(['DispatchUnanswered']);
    expect(step.dispatch).toMatchObject({ status: 'unanswered', nextAt: null, sentMaybe: true });
    expect(step.inquiries).toEqual([
      { slipId: step.dispatch.slipId, n: 0, provider: 'acme', dueAt: addMs(t0, 2_001) },
    ]);
    expect(mayIntend({ ...step.dispatch, status: 'held', nextAt: t0 }, t0)).toBe(false);
  });

  test('unanswered by a provider without a declared bound: nothing is asked by ourselves', () => {
    expect(endAttempt(intended, end(unanswered, { acceptanceDelayMaxMs: null })).inquiries).toEqual([]);
  });

  test('acknowledged or returned', () => {
    const acknowledged = endAttempt(intended, end({ kind: 'answered', answer: pending }));
    expect(typesOf(acknowledged)).toEqual(['SlipAcknowledged']);
    expect(acknowledged.dispatch.status).toBe('answered');
    const returned = endAttempt(intended, end({ kind: 'answered', answer: final('succeeded') }));
    expect(typesOf(returned)).toEqual(['SlipReturned']);
    expect(returned.dispatch).toMatchObject({ status: 'returned', outcome: 'succeeded' });
  });

  test('a sender taken for dead may still bring evidence, but no other end', () => {
    const recovered = endAttempt(intended, end(unanswered)).dispatch;
    expect(typesOf(endAttempt(recovered, end(notSent)))).toEqual([]);
    expect(typesOf(endAttempt(recovered, end(unanswered)))).toEqual([]);
    expect(typesOf(endAttempt(recovered, end({ kind: 'answered', answer: pending })))).toEqual([
      'SlipAcknowledged',
    ]);
    expect(typesOf(endAttempt(recovered, end({ kind: 'answered', answer: final('failed') })))).toEqual([
      'SlipReturned',
    ]);
  });

  test('a callback that came before the answer ends the attempt alone', () => {
    const returned = endAttempt(intended, end({ kind: 'answered', answer: final('succeeded') })).dispatch;
    for (const outcome of [notSent, unanswered, { kind: 'answered', answer: pending } as const]) {
      expect(typesOf(endAttempt(returned, end(outcome)))).toEqual([]);
    }
  });
});

test('property: after an attempt that may have left, no other is ever made', () => {
  const outcome = fc.constantFrom<CallOutcome>(
    notSent,
    unanswered,
    { kind: 'answered', answer: pending },
    { kind: 'answered', answer: final('succeeded') },
  );
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 8 }), (outcomes) => {
      let state = dispatch({ deadline: addMs(t0, 60_000) });
      let left = 0;
      for (const [index, one] of outcomes.entries()) {
        const now = addMs(t0, index * 1_000);
        if (!mayIntend(state, now)) continue;
        state = intend(state, now, limits.connectTimeoutMs, limits, 'one');
        if (one.kind !== 'not_sent') left += 1;
        state = endAttempt(state, end(one, { attempt: state.attempt, now })).dispatch;
      }
      expect(left).toBeLessThanOrEqual(1);
    }),
  );
});
