import { describe, expect, test } from '@jest/globals';
import { addMicros } from '@slipstream/kernel';
import { decideChange } from './decide-change.ts';
import { around, draftSlip, expiresAt, now, reviewedSlip, rules, submission } from './spec-support.ts';
import type { IntakeStatus } from './waiting-slip.ts';

const confirm = { type: 'confirm' } as const;
const withdraw = { type: 'withdraw', by: 'shop', reason: 'changed my mind' } as const;
const justBefore = addMicros(expiresAt, -1n);

describe('a draft that is confirmed', () => {
  test('is submitted by the rules and the time of then', () => {
    expect(decideChange(draftSlip(), confirm, justBefore, rules, around)).toMatchObject({
      type: 'changed',
      status: 'submitted',
      events: [
        {
          type: 'SlipSubmitted',
          data: {
            reference: 'ord-1',
            amount: submission.amount,
            deadline: '2026-11-22T10:01:04.999999Z',
            details: { clear: { metadata: submission.metadata } },
          },
        },
      ],
    });
  });

  test('stays a draft when they refuse it', () => {
    const gone = { ...rules, routes: new Map() };
    expect(decideChange(draftSlip(), confirm, now, gone, around)).toMatchObject({
      type: 'refused',
      refusal: { rule: 'route_unknown' },
    });
  });
});

test('a draft that is taken back ends with who did it, and why', () => {
  expect(decideChange(draftSlip(), withdraw, justBefore, rules, around)).toEqual({
    type: 'changed',
    status: 'withdrawn',
    events: [{ type: 'SlipWithdrawn', data: { by: 'shop', reason: 'changed my mind' } }],
    ...{ newReview: null, progress: null },
  });
});

test('from its expiry on a draft can be neither, whether that was written down or not', () => {
  for (const wish of [confirm, withdraw])
    expect(decideChange(draftSlip(), wish, expiresAt, rules, around)).toEqual({
      type: 'too_late',
      status: 'expired',
    });
});

describe('a draft that people must approve', () => {
  const draft = { ...draftSlip().draft!, submission: { ...submission, route: 'reviewed' } };
  test('waits for them once it is confirmed, with a deadline that none of them can make too short', () => {
    expect(decideChange(draftSlip({ draft }), confirm, now, rules, around)).toMatchObject({
      ...{ type: 'changed', status: 'in_review', progress: null },
      events: [
        { type: 'SlipSubmitted', data: { reviewRequired: true, deadline: '2026-11-22T10:01:05.000000Z' } },
        {
          type: 'ReviewRequested',
          data: { rules: ['review_amount'], approvals: 1, dueAt: expiresAt, firstSlipId: null },
        },
      ],
      newReview: { approvalsNeeded: 1, dueAt: expiresAt, deadline: '2026-11-22T10:01:05.000000Z' },
    });
  });
});

describe('a slip in review', () => {
  test('can be taken back until people have decided, also when one of two has approved', () => {
    const slip = reviewedSlip({ approvalsNeeded: 2, claimedBy: 'ann', firstApprover: 'ann' });
    expect(decideChange(slip, withdraw, justBefore, rules, around)).toEqual({
      ...{ type: 'changed', status: 'withdrawn', newReview: null },
      events: [{ type: 'SlipWithdrawn', data: { by: 'shop', reason: 'changed my mind' } }],
      progress: {
        ...{ status: 'withdrawn', claimedBy: 'ann', firstApprover: 'ann', secondApprover: null },
        ...{ decidedBy: 'shop', reason: '', detail: 'changed my mind' },
      },
    });
  });

  test('cannot be taken back when its time is over, or when it was approved', () => {
    expect(decideChange(reviewedSlip(), withdraw, expiresAt, rules, around)).toEqual({
      type: 'too_late',
      status: 'declined',
    });
    const approved = { ...reviewedSlip({ status: 'approved' }), status: 'submitted' as const };
    expect(decideChange(approved, withdraw, now, rules, around)).toEqual({
      type: 'too_late',
      status: 'submitted',
    });
  });

  test('cannot be confirmed again', () => {
    expect(decideChange(reviewedSlip(), confirm, now, rules, around)).toEqual({
      type: 'too_late',
      status: 'in_review',
    });
  });

  test('goes on by the decision about it', () => {
    expect(
      decideChange(reviewedSlip(), { type: 'approve', by: 'ann', note: '' }, now, rules, around),
    ).toMatchObject({
      ...{ type: 'changed', status: 'submitted', events: [{ type: 'SlipApproved' }] },
      progress: { status: 'approved', decidedBy: 'ann' },
    });
  });
});

test.each<IntakeStatus>(['submitted', 'rejected', 'expired', 'withdrawn', 'declined'])(
  'nothing is left to be decided about a slip that is %s',
  (status) => {
    for (const wish of [confirm, withdraw])
      expect(decideChange(draftSlip({ status, draft: null }), wish, now, rules, around)).toEqual({
        type: 'too_late',
        status,
      });
  },
);
