import { describe, expect, test } from '@jest/globals';
import { addMicros } from '@slipstream/kernel';
import fc from 'fast-check';
import { expiresAt as dueAt, now, review } from '../waiting/spec-support.ts';
import { decideOverdueReview, decideReview, type ReviewWish } from './decide-review.ts';
import type { Review } from './review.ts';

const claim = (by: string): ReviewWish => ({ type: 'claim', by });
const release = (by: string): ReviewWish => ({ type: 'release', by });
const approve = (by: string): ReviewWish => ({ type: 'approve', by, note: 'as agreed' });
const decline = (by: string): ReviewWish => ({ type: 'decline', by, reason: 'wrong_payee', detail: 'who?' });
const decide = (wish: ReviewWish, change: Partial<Review> = {}, at = now) =>
  decideReview(review(change), 'shop', wish, at);

describe('one approval', () => {
  test('lets a slip go on, with a deadline that counts from it', () => {
    expect(decide(approve('ann'))).toMatchObject({
      ...{ type: 'decided', status: 'submitted' },
      event: {
        type: 'SlipApproved',
        data: { by: 'ann', note: 'as agreed', deadline: '2026-11-22T10:00:05.000000Z' },
      },
      progress: { status: 'approved', firstApprover: 'ann', secondApprover: null, decidedBy: 'ann' },
    });
  });

  test('leaves the deadline that the slip came with', () => {
    expect(decide(approve('ann'), { outcomeDeadlineMs: null })).toMatchObject({
      event: { data: { deadline: review().deadline } },
    });
  });

  test('does not suffice where two are needed', () => {
    const needsTwo = { approvalsNeeded: 2 } as const;
    expect(decide(approve('ann'), needsTwo)).toMatchObject({
      status: 'in_review',
      event: { type: 'ApprovalGiven', data: { by: 'ann', missing: 1 } },
      progress: { status: 'open', firstApprover: 'ann' },
    });
    const half = { ...needsTwo, firstApprover: 'ann' };
    expect(decide(approve('ann'), half)).toMatchObject({ type: 'same_person' });
    expect(decide(approve('bob'), half)).toMatchObject({
      status: 'submitted',
      progress: { status: 'approved', firstApprover: 'ann', secondApprover: 'bob', decidedBy: 'bob' },
    });
  });
});

test('whoever submitted a slip decides nothing about it', () => {
  for (const wish of [claim, approve, decline])
    expect(decide(wish('shop'))).toMatchObject({ type: 'same_person' });
});

test('a claim says who looks at it, and keeps nobody else from it', () => {
  expect(decide(claim('ann'))).toMatchObject({
    ...{ status: 'in_review', event: { type: 'ReviewClaimed', data: { by: 'ann' } } },
    progress: { status: 'open', claimedBy: 'ann' },
  });
  expect(decide(claim('ann'), { claimedBy: 'ann' })).toEqual({ type: 'claimed' });
  expect(decide(claim('bob'), { claimedBy: 'ann' })).toMatchObject({ progress: { claimedBy: 'bob' } });
  expect(decide(approve('bob'), { claimedBy: 'ann' })).toMatchObject({ status: 'submitted' });
});

test('whoever claimed it gives it back, and nobody else; an approval stays', () => {
  const claimed = { claimedBy: 'ann', approvalsNeeded: 2, firstApprover: 'bob' } as const;
  expect(decide(release('ann'), claimed)).toMatchObject({
    ...{ status: 'in_review', event: { type: 'ReviewReleased', data: { by: 'ann' } } },
    progress: { status: 'open', claimedBy: null, firstApprover: 'bob' },
  });
  expect(decide(release('bob'), claimed)).toEqual({ type: 'not_claimed' });
  expect(decide(release('ann'))).toEqual({ type: 'not_claimed' });
});

test('one decline ends it, with its reason, also behind an approval', () => {
  expect(decide(decline('bob'), { approvalsNeeded: 2, firstApprover: 'ann' })).toMatchObject({
    status: 'declined',
    event: { type: 'SlipDeclined', data: { by: 'bob', reason: 'wrong_payee', detail: 'who?' } },
    progress: { status: 'declined', firstApprover: 'ann', decidedBy: 'bob', reason: 'wrong_payee' },
  });
});

test('from its due time on nobody decides but time, whether that was written down or not', () => {
  const justBefore = addMicros(dueAt, -1n);
  expect(decide(approve('ann'), {}, justBefore)).toMatchObject({ status: 'submitted' });
  expect(decideOverdueReview(review(), justBefore)).toBeNull();
  for (const wish of [claim, release, approve, decline])
    expect(decide(wish('ann'), {}, dueAt)).toEqual({ type: 'too_late', status: 'declined' });
  expect(decideOverdueReview(review(), dueAt)).toMatchObject({
    event: { type: 'SlipDeclined', data: { by: 'intake', reason: 'review_deadline' } },
    progress: { status: 'declined', decidedBy: 'intake' },
  });
  expect(decideOverdueReview(review({ status: 'approved' }), dueAt)).toBeNull();
});

test('whatever people do, a slip goes on only by as many others as it needs, and ends once', () => {
  const wish = fc.tuple(
    fc.constantFrom(claim, approve, decline),
    fc.constantFrom('shop', 'ann', 'bob', 'eve'),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(1 as const, 2 as const),
      fc.array(wish, { maxLength: 12 }),
      (needed, wishes) => {
        let state = review({ approvalsNeeded: needed });
        const approvers = new Set<string>();
        let ends = 0;
        for (const [make, by] of wishes) {
          const decision = decideReview(state, 'shop', make(by), now);
          if (decision.type !== 'decided') continue;
          const { event, progress, status } = decision;
          expect(by).not.toBe('shop');
          state = { ...state, ...progress };
          if (event.type === 'SlipApproved' || event.type === 'ApprovalGiven') approvers.add(by);
          if (status !== 'in_review') ends += 1;
          if (event.type === 'SlipApproved') expect(approvers.size).toBe(needed);
        }
        expect(ends).toBeLessThanOrEqual(1);
      },
    ),
  );
});
