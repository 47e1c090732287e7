import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import fc from 'fast-check';
import { asDeclared, type CallOutcome } from '../provider/answer.ts';
import { type AttemptEnd, attemptsMax, endAttempt, intend, mayIntend } from './attempt.ts';
import { dispatch, final, limits, pending, t0, typesOf } from './spec-support.ts';
import type { Dispatch } from './state.ts';

const notSent: CallOutcome = { kind: 'not_sent', reason: 'connection_refused', detail: '' };
const unanswered: CallOutcome = { kind: 'unanswered', reason: 'timeout', detail: '' };
const end = (outcome: CallOutcome, more: Partial<AttemptEnd> = {}): AttemptEnd => ({
  attempt: 1,
  outcome,
  now: addMs(t0, 500),
  retryDelayMs: 200,
  askedAboutAfterMs: 1_000,
  idempotentByReference: false,
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
    expect(endAttempt(intended, end(unanswered, { askedAboutAfterMs: null })).inquiries).toEqual([]);
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

describe('a call without an answer, where the same call again is the same order', () => {
  const idempotent = { idempotentByReference: true };
  const left = endAttempt(intended, end(unanswered, idempotent));

  test('is made again at the same provider after a while, by an intent of its own', () => {
    expect(typesOf(left)).toEqual(['DispatchUnanswered']);
    expect(left.dispatch).toMatchObject({ status: 'unanswered', nextAt: addMs(t0, 700), sentMaybe: true });
    expect(mayIntend(left.dispatch, addMs(t0, 699), true)).toBe(false);
    expect(mayIntend(left.dispatch, addMs(t0, 700), true)).toBe(true);
    // Its rules may say otherwise by now.
    expect(mayIntend(left.dispatch, addMs(t0, 700))).toBe(false);
    const again = intend(left.dispatch, addMs(t0, 700), limits.connectTimeoutMs, limits, 'one');
    expect(again).toMatchObject({ status: 'intended', attempt: 2, provider: 'acme', sentMaybe: true });
    expect(again.notAfter).toBe(addMs(t0, 1_700));
  });

  test('is asked about when the provider must have decided about the latest one', () => {
    const again = intend(left.dispatch, addMs(t0, 700), limits.connectTimeoutMs, limits, 'one');
    const first = left.inquiries[0]!;
    for (const outcome of [unanswered, notSent]) {
      const step = endAttempt(again, end(outcome, { ...idempotent, attempt: 2, now: addMs(t0, 800) }));
      expect(step.inquiries).toEqual([{ ...first, dueAt: addMs(t0, 2_701) }]);
      // That the second was not sent says nothing of the first.
      expect(step.dispatch).toMatchObject({ status: 'unanswered', sentMaybe: true });
    }
  });

  test('a NOT_FOUND that was asked for before it proves nothing any more', () => {
    const asked = { ...left.dispatch, firstNotFoundAt: addMs(t0, 600) };
    const again = intend(asked, addMs(t0, 700), limits.connectTimeoutMs, limits, 'one');
    expect(again.firstNotFoundAt).toBeNull();
  });

  test.each<[string, Partial<AttemptEnd>, Partial<Dispatch>]>([
    ['whose provider does not declare it', { idempotentByReference: false }, {}],
    ['whose sender is gone', { outcome: { ...unanswered, reason: 'restart' } as CallOutcome }, {}],
    [
      'whose sender did not write its end',
      { outcome: { ...unanswered, reason: 'not_recorded' } as CallOutcome },
      {},
    ],
    ['that is to be refunded', {}, { closedForDispatch: true }],
    ['that is made when its deadline has come', { retryDelayMs: 4_500 }, {}],
    ['of which its provider has spoken', {}, { acknowledged: true }],
    ['that was the last of so many', { attempt: attemptsMax }, { attempt: attemptsMax }],
  ])('is not made again: one %s', (_, how, more) => {
    const step = endAttempt({ ...intended, ...more }, end(unanswered, { ...idempotent, ...how }));
    expect(step.dispatch).toMatchObject({ status: 'unanswered', nextAt: null });
  });

  describe('whose repeat is refused', () => {
    const again = intend(left.dispatch, addMs(t0, 700), limits.connectTimeoutMs, limits, 'one');
    const refused = (outcome: 'failed' | 'void', from = again) =>
      endAttempt(
        from,
        end({ kind: 'answered', answer: final(outcome) }, { ...idempotent, attempt: from.attempt }),
      );

    test.each(['failed', 'void'] as const)(
      '(%s) may have been taken: it is asked about at once',
      (outcome) => {
        const step = refused(outcome);
        expect(step.events.map(({ event }) => event)).toMatchObject([
          { type: 'DispatchUnanswered', data: { attempt: 2, detail: expect.stringContaining(outcome) } },
        ]);
        expect(step.dispatch).toMatchObject({
          ...{ status: 'unanswered', outcome: null, nextAt: null, pollAt: addMs(t0, 500) },
          acknowledged: false,
        });
      },
    );

    test('ends it, where no call before it may have left, or its provider has spoken', () => {
      expect(typesOf(refused('failed', intended))).toEqual(['SlipReturned']);
      const tried = endAttempt(intended, end(notSent)).dispatch;
      const second = intend(tried, addMs(t0, 700), limits.connectTimeoutMs, limits, 'one');
      expect(typesOf(refused('failed', second))).toEqual(['SlipReturned']);
      expect(typesOf(refused('failed', { ...again, acknowledged: true }))).toEqual(['SlipReturned']);
    });

    test('ends it by a success, and by what comes when its sender was taken for dead', () => {
      const succeeded = end({ kind: 'answered', answer: final('succeeded') }, { ...idempotent, attempt: 2 });
      expect(typesOf(endAttempt(again, succeeded))).toEqual(['SlipReturned']);
      const late = end({ kind: 'answered', answer: final('failed') }, idempotent);
      expect(typesOf(endAttempt(left.dispatch, late))).toEqual(['SlipReturned']);
    });
  });

  test('is not made again once the provider has spoken', () => {
    const heard = endAttempt(left.dispatch, end({ kind: 'answered', answer: pending })).dispatch;
    expect(mayIntend(heard, addMs(t0, 700), true)).toBe(false);
    expect(heard.nextAt).toBeNull();
  });
});

test('property: after an attempt that may have left, no other is made but where that is declared, and then so many', () => {
  const outcome = fc.constantFrom<CallOutcome>(
    notSent,
    unanswered,
    { kind: 'answered', answer: pending },
    { kind: 'answered', answer: final('succeeded') },
  );
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 12 }), fc.boolean(), (outcomes, isIdempotent) => {
      let state = dispatch({ deadline: addMs(t0, 60_000) });
      let left = 0;
      for (const [index, one] of outcomes.entries()) {
        const now = addMs(t0, index * 1_000);
        if (!mayIntend(state, now, isIdempotent)) continue;
        state = intend(state, now, limits.connectTimeoutMs, limits, 'one');
        if (one.kind !== 'not_sent') left += 1;
        const how = { attempt: state.attempt, now, idempotentByReference: isIdempotent };
        state = endAttempt(state, end(one, how)).dispatch;
      }
      expect(left).toBeLessThanOrEqual(isIdempotent ? attemptsMax : 1);
    }),
  );
});
