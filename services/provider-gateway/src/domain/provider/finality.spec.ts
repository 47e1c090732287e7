import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import { dispatch, final, pending, t0 } from '../dispatch/spec-support.ts';
import { polled } from '../inquiry/poll.ts';
import { asItCounts } from './finality.ts';

const slip = dispatch({ status: 'answered', attempt: 1, acknowledged: true, notAfter: t0 });
const terms = { failuresFinal: false, connectTimeoutMs: 500, answerTimeoutMs: 1_000 };
// The deadline is 5 s after t0; the last question may take 1.5 s, and its commit half a second.
const before = addMs(t0, 2_999);
const from = addMs(t0, 3_000);

describe('a failure that a success may follow', () => {
  test('is a step until the last question before the deadline, and the end from then on', () => {
    expect(asItCounts(final('failed'), slip, before, terms)).toEqual({
      ...{ kind: 'progressed', step: 'declined', providerReference: 'p-1', providerTime: null },
    });
    expect(asItCounts(final('failed'), slip, from, terms)).toEqual(final('failed'));
  });

  test('is asked about then, beside the ladder', () => {
    const declined = { dispatch: { ...slip, lastStep: 'declined' }, events: [], inquiries: [] };
    const poll = {
      ...terms,
      acceptanceDelayMaxMs: 1_000,
      visibilityDelayMs: 0,
      pollLadderMs: [1_000, 4_000],
    };
    expect(polled(declined, t0, poll).dispatch.pollAt).toBe(addMs(t0, 1_000));
    expect(polled(declined, addMs(t0, 1_000), poll).dispatch.pollAt).toBe(from);
    expect(polled(declined, from, poll).dispatch.pollAt).toBe(addMs(t0, 4_000));
    const later = { ...declined, dispatch: { ...declined.dispatch, pollAt: addMs(t0, 4_000) } };
    expect(polled(later, addMs(t0, 1_000), poll).dispatch.pollAt).toBe(from);
    const final = { ...poll, failuresFinal: true };
    expect(polled(declined, addMs(t0, 1_000), final).dispatch.pollAt).toBe(addMs(t0, 4_000));
  });
});

test.each([
  ['a success', final('succeeded'), {}, {}],
  ['a void', final('void'), {}, {}],
  ['an acknowledgement', pending, {}, {}],
  ['a failure that is final', final('failed'), {}, { failuresFinal: true }],
  ['a failure after the end', final('failed'), { outcome: 'succeeded' as const }, {}],
])('%s counts as it is', (_, answer, more, other) => {
  expect(asItCounts(answer, { ...slip, ...more }, before, { ...terms, ...other })).toEqual(answer);
});

test('a failure of a provider that is not configured any more counts as it is', () => {
  expect(asItCounts(final('failed'), slip, before, null)).toEqual(final('failed'));
});
