import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import { dispatch, t0 } from '../dispatch/spec-support.ts';
import { type AttemptDenials, asKept, isProved, keep, keepCancelled } from './denials.ts';

const intent = {
  ...{ attempt: 1, provider: 'acme', digest: 'd', notAfter: t0 },
  declared: { acceptanceDelayMaxMs: 1_000, visibilityDelayMs: 0, quietPeriodMs: 2_000 },
};
const denial = (afterMs: number, text = 'not_found') => ({
  ...{ askedAt: addMs(t0, afterMs), receivedAt: addMs(t0, afterMs + 20) },
  ...{ status: 404, body: Buffer.from(text) },
});
const first: AttemptDenials = { ...intent, denials: [denial(1_001)] };

describe('what a provider denies', () => {
  test('is kept as it came: the first that counts, then the one that proves it', () => {
    expect(keep(intent, undefined, denial(1_001), false)).toEqual(first);
    expect(keep(intent, first, denial(2_000), false)).toBeNull();
    const proved = keep(intent, first, denial(3_001, 'still not'), true)!;
    expect(proved.denials).toEqual([denial(1_001), denial(3_001, 'still not')]);
    expect([isProved(first), isProved(proved)]).toEqual([false, true]);
  });

  test('stays as it was once it is proved', () => {
    const proved = keep(intent, first, denial(3_001), true)!;
    expect(keep(intent, proved, denial(9_000), true)).toBeNull();
    expect(keep(intent, proved, denial(900), false)).toBeNull();
  });

  test('is the earlier of two that were asked for at once', () => {
    expect(keep(intent, { ...intent, denials: [denial(1_100)] }, denial(1_001), false)).toEqual(first);
  });

  test('is kept with the confirmation that it was cancelled, which proves it at once, or behind the first', () => {
    const cancelled = keepCancelled(intent, undefined, denial(5), denial(5, 'cancelled'))!;
    expect(cancelled).toEqual({ ...intent, denials: [denial(5), denial(5, 'cancelled')], cancelled: true });
    expect(isProved(cancelled)).toBe(true);
    expect(keepCancelled(intent, first, denial(5), denial(5, 'cancelled'))?.denials[0]).toEqual(
      denial(1_001),
    );
    expect(keepCancelled(intent, cancelled, denial(9), denial(9))).toBeNull();
  });

  test('proves nothing without the first', () => {
    expect(keep(intent, undefined, denial(3_001), true)).toBeNull();
  });
});

describe('a NOT_FOUND that a row tells of', () => {
  const denied = dispatch({ attempt: 1, notAfter: t0, firstNotFoundAt: addMs(t0, 1_001) });

  test('is believed where its bytes are kept', () => {
    expect(asKept(denied, first)).toBe(denied);
    expect(asKept(dispatch(), undefined)).toEqual(dispatch());
  });

  test('is none where nobody has them: the next one is the first', () => {
    for (const kept of [undefined, { ...intent, denials: [denial(1_500)] } as const]) {
      expect(asKept(denied, kept)).toEqual({ ...denied, firstNotFoundAt: null });
    }
  });
});
