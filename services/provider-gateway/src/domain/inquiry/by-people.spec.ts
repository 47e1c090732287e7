import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import { dispatch, t0 } from '../dispatch/spec-support.ts';
import { type PeoplesFacts, peoplesGapMs, planForPeople } from './by-people.ts';
import { peopleNumber, planInquiry } from './inquiry.ts';

const unanswered = dispatch({
  status: 'unanswered',
  attempt: 1,
  sentMaybe: true,
  nextAt: null,
  notAfter: t0,
});
const facts = (more: Partial<PeoplesFacts> = {}): PeoplesFacts => ({
  now: addMs(t0, 10_000),
  lastAskedAt: null,
  visibilityDelayMs: () => 3_000,
  ...more,
});
const earlier = (end: 'not_sent' | 'unanswered') => ({
  ...{ attempt: 1, provider: 'acme', notAfter: t0, end, firstNotFoundAt: null },
});

describe('people ask', () => {
  test('whoever may have the slip, now: also after the deadline, and after the end', () => {
    const now = facts().now;
    for (const state of [
      unanswered,
      dispatch({ ...unanswered, closedForDispatch: true, refunded: true }),
      dispatch({ ...unanswered, status: 'returned', outcome: 'failed' }),
    ]) {
      expect(planForPeople(state, facts())).toEqual({ plan: 'ask', provider: 'acme', at: now });
      const inquiry = { slipId: state.slipId, n: peopleNumber, provider: 'acme' };
      expect(planInquiry(state, inquiry, now, true)).toEqual({ plan: 'ask' });
    }
  });

  test('not before the provider can know of the slip', () => {
    expect(planForPeople(unanswered, facts({ now: addMs(t0, 1_000) }))).toMatchObject({
      at: addMs(t0, 3_000),
    });
    const calling = dispatch({ status: 'intended', attempt: 1, notAfter: t0, leaseUntil: addMs(t0, 9_000) });
    expect(planForPeople(calling, facts({ now: addMs(t0, 1_000) }))).toMatchObject({ at: addMs(t0, 12_000) });
  });

  test('and not again at once', () => {
    const lastAskedAt = addMs(t0, 9_900);
    expect(planForPeople(unanswered, facts({ lastAskedAt }))).toMatchObject({
      at: addMs(lastAskedAt, peoplesGapMs),
    });
  });

  test('of a slip that went on: whom it went on from, until the next one may have it', () => {
    const moved = dispatch({ provider: 'bolt', attempt: 1, earlier: [earlier('unanswered')] });
    expect(planForPeople(moved, facts())).toMatchObject({ plan: 'ask', provider: 'acme' });
    const inquiry = { slipId: moved.slipId, n: peopleNumber, provider: 'acme' };
    expect(planInquiry(moved, inquiry, addMs(t0, 10_000), true)).toEqual({ plan: 'ask' });
    const sent = dispatch({ ...unanswered, provider: 'bolt', attempt: 2, earlier: [earlier('unanswered')] });
    expect(planForPeople(sent, facts())).toMatchObject({ plan: 'ask', provider: 'bolt' });
  });

  test.each([
    ['a reported route', dispatch({ mode: 'reported', provider: null }), facts()],
    ['an import', dispatch({ ...unanswered, clock: 'import-1' }), facts()],
    ['a slip that was not sent yet', dispatch(), facts()],
    ['a slip of which nothing ever left', dispatch({ attempt: 2, notAfter: t0 }), facts()],
    ['one that went on, not sent', dispatch({ provider: 'bolt', earlier: [earlier('not_sent')] }), facts()],
    ['a provider that is not configured any more', unanswered, facts({ visibilityDelayMs: () => null })],
  ] as const)('nobody about %s', (_, state, known) => {
    expect(planForPeople(state, known)).toEqual({ plan: 'refuse', detail: expect.any(String) });
  });
});
