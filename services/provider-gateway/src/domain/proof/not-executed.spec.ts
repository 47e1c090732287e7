import { describe, expect, test } from '@jest/globals';
import { addMicros, addMs } from '@slipstream/kernel';
import fc from 'fast-check';
import { dispatch, t0 } from '../dispatch/spec-support.ts';
import { countsAsNotFound, type NotFoundFacts, neverLeft, provesNotExecuted } from './not-executed.ts';

// Nothing was sent after t0; the provider decides within 1 s; the quiet period is 2 s.
const bound = addMs(t0, 1_000);
const facts: NotFoundFacts = {
  notAfter: t0,
  acceptanceDelayMaxMs: 1_000,
  quietPeriodMs: 2_000,
  askedAt: addMs(bound, 2_001),
  firstNotFoundAt: addMs(bound, 1),
  spoken: false,
};

describe('two NOT_FOUND prove that a slip was not executed', () => {
  test('when both were asked later than the bound, a quiet period apart', () => {
    expect(provesNotExecuted(facts)).toBe(true);
  });

  test.each<[string, Partial<NotFoundFacts>]>([
    ['the first one', { firstNotFoundAt: null }],
    ['too soon after each other', { askedAt: addMs(bound, 2_000) }],
    ['a first one asked at the bound itself', { firstNotFoundAt: bound, askedAt: addMs(bound, 60_000) }],
    ['of a provider that declares no bound', { acceptanceDelayMaxMs: null }],
    ['about a slip that the provider had acknowledged', { spoken: true }],
    ['about a slip that was never intended', { notAfter: null }],
    ['asked before the provider had to decide', { askedAt: bound }],
  ])('not: %s', (_, more) => {
    expect(provesNotExecuted({ ...facts, ...more })).toBe(false);
  });

  test('the bound itself does not count, a microsecond later does', () => {
    expect(countsAsNotFound({ ...facts, askedAt: bound })).toBe(false);
    expect(countsAsNotFound({ ...facts, askedAt: addMicros(bound, 1n) })).toBe(true);
  });

  test('a bound and a quiet period of zero still need two questions after the last moment of sending', () => {
    const zero = { ...facts, acceptanceDelayMaxMs: 0, quietPeriodMs: 0 };
    expect(provesNotExecuted({ ...zero, firstNotFoundAt: null })).toBe(false);
    expect(provesNotExecuted({ ...zero, firstNotFoundAt: t0, askedAt: t0 })).toBe(false);
    const later = addMicros(t0, 1n);
    expect(provesNotExecuted({ ...zero, firstNotFoundAt: later, askedAt: later })).toBe(true);
  });
});

test('property: a proof never comes before the bound and a quiet period have passed', () => {
  const ms = fc.integer({ min: 0, max: 10_000 });
  fc.assert(
    fc.property(ms, ms, ms, ms, fc.boolean(), (delay, quiet, first, asked, spoken) => {
      const proved = provesNotExecuted({
        notAfter: t0,
        acceptanceDelayMaxMs: delay,
        quietPeriodMs: quiet,
        firstNotFoundAt: addMs(t0, first),
        askedAt: addMs(t0, asked),
        spoken,
      });
      expect(proved).toBe(!spoken && first > delay && asked > delay && asked - first >= quiet);
    }),
  );
});

describe('a slip never left', () => {
  test.each([
    ['no attempt was made', dispatch(), true],
    ['every attempt ended as not sent', dispatch({ attempt: 3 }), true],
    ['an attempt is in flight', dispatch({ attempt: 1, status: 'intended' }), false],
    ['an attempt may have left', dispatch({ attempt: 1, status: 'unanswered', sentMaybe: true }), false],
    ['the provider spoke', dispatch({ attempt: 1, acknowledged: true }), false],
    ['others report about it', dispatch({ mode: 'reported' }), false],
  ])('%s', (_, state, expected) => {
    expect(neverLeft(state)).toBe(expected);
  });
});
