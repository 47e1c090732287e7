import { describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import { now, policy, reviewPolicy, submission } from '../waiting/spec-support.ts';
import { type ReviewPolicy, reviewOf } from './review.ts';

const route = { ...policy, review: reviewPolicy };
const eur = (amount: bigint) => ({ amount, currency: 'EUR' });
const asked = (change: Partial<typeof submission>, review: Partial<ReviewPolicy> = {}) => {
  const terms = reviewOf(
    { ...submission, ...change },
    { ...route, review: { ...reviewPolicy, ...review } },
    now,
    null,
  );
  return terms && [...terms.rules, terms.approvalsNeeded];
};

test('no route asks for it by itself', () => {
  expect(reviewOf(submission, policy, now, null)).toBeNull();
});

describe('the rules of a route', () => {
  test('name kinds', () => {
    expect(asked({ kind: 'order' })).toBeNull();
    expect(asked({ kind: 'order' }, { kinds: ['order'] })).toEqual(['review_amount', 1]);
  });

  test('name amounts, each reached from itself on', () => {
    expect(asked({ amount: eur(999n) })).toBeNull();
    expect(asked({ amount: eur(1_000n) })).toEqual(['review_amount', 1]);
    expect(asked({ amount: eur(1_999n) })).toEqual(['review_amount', 1]);
    expect(asked({ amount: eur(2_000n) })).toEqual(['review_amount', 'review_second_person', 2]);
  });

  test('trust no amount in a currency that they do not name', () => {
    expect(asked({ amount: { amount: 1n, currency: 'USD' } })).toEqual([
      'review_amount',
      'review_second_person',
      2,
    ]);
    expect(asked({ amount: { amount: 5_000n, currency: 'JPY' } })).toEqual([
      'review_amount',
      'review_second_person',
      2,
    ]);
  });

  test('without amounts mean all, also what moves no money', () => {
    expect(asked({ amount: null })).toBeNull();
    expect(asked({ amount: null }, { fromAmount: null })).toEqual(['review_kind', 1]);
    expect(asked({ amount: eur(1n) }, { fromAmount: null, secondPersonFrom: null })).toEqual([
      'review_kind',
      1,
    ]);
  });
});

test('a review ends when its time is over, or when there would be no time for an answer', () => {
  const dueAt = (deadline: string | null) => reviewOf({ ...submission, deadline }, route, now, null)!.dueAt;
  expect(dueAt(null)).toBe(addMs(now, 60_000));
  expect(dueAt(addMs(now, 90_000))).toBe(addMs(now, 60_000));
  expect(dueAt(addMs(now, 10_000))).toBe(addMs(now, 7_000));
});

describe('a repeat', () => {
  const repeat = { firstSlipId: 'slip-0', reviewMs: 30_000 };

  test('is looked at on any route, and names the slip that it repeats', () => {
    expect(reviewOf({ ...submission, kind: 'order' }, policy, now, repeat)).toEqual({
      ...{ rules: ['business_duplicate'], approvalsNeeded: 1, requestedAt: now, firstSlipId: 'slip-0' },
      ...{ dueAt: addMs(now, 30_000), outcomeDeadlineMs: 5_000 },
    });
  });

  test('is looked at besides for what its route asks, by as many people, in the shorter time', () => {
    const large = { ...submission, amount: eur(2_000n) };
    expect(reviewOf(large, route, now, repeat)).toMatchObject({
      ...{ rules: ['review_amount', 'review_second_person', 'business_duplicate'], approvalsNeeded: 2 },
      dueAt: addMs(now, 30_000),
    });
    expect(reviewOf(large, route, now, { ...repeat, reviewMs: 90_000 })!.dueAt).toBe(addMs(now, 60_000));
  });

  test('whose own deadline is sooner is looked at while there is time for an answer', () => {
    const hurried = { ...submission, deadline: addMs(now, 10_000) };
    expect(reviewOf(hurried, policy, now, repeat)!.dueAt).toBe(addMs(now, 7_000));
  });
});
