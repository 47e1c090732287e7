import { noProgress, type Review, type ReviewPolicy } from '../review/review.ts';
import type { RoutePolicy, SubmissionRules } from '../submission/decide-submission.ts';
import type { Submission } from '../submission/submission.ts';
import type { Around } from './decide-change.ts';
import type { KnownSlip } from './waiting-slip.ts';

export const policy: RoutePolicy = {
  mode: 'dispatched',
  provider: 'acme',
  kinds: ['order', 'payout', 'payment'],
  outcomeDeadlineMs: 5_000,
  answerMsMax: 3_000,
  overdraft: { order: true, payment: true, payout: true },
  quietPeriodMs: 2_000,
  inquiryLadderMs: [0, 2_000],
  draftExpiresMs: 60_000,
  draftRemindBeforeMs: 10_000,
  review: null,
};
export const reviewPolicy: ReviewPolicy = {
  kinds: ['payout'],
  fromAmount: new Map([
    ['EUR', 1_000n],
    ['JPY', 5_000n],
  ]),
  secondPersonFrom: new Map([['EUR', 2_000n]]),
  deadlineMs: 60_000,
};

export const rules: SubmissionRules = {
  configDigest: 'c0ffee',
  graceMs: 0,
  payments: [],
  gates: { openOnFirstUse: true, duplicateWindowMs: 0, duplicateReviewMs: null, limits: [] },
  routes: new Map([
    ['default', policy],
    ['quiet', { ...policy, draftRemindBeforeMs: 0 }],
    ['reviewed', { ...policy, review: reviewPolicy }],
  ]),
};

export const submission: Submission = {
  caller: 'shop',
  reference: 'ord-1',
  kind: 'payout',
  account: 'cust-42',
  counterparty: 'shop-7',
  amount: { amount: 1250n, currency: 'EUR' },
  route: 'default',
  deadline: null,
  metadata: { gift: 'yes' },
};

/** Nobody waits, and it repeats nothing. */
export const around: Around = { waitMs: 0, repeat: null };

export const now = '2026-11-22T10:00:00.000000Z';
export const remindAt = '2026-11-22T10:00:50.000000Z';
export const expiresAt = '2026-11-22T10:01:00.000000Z';

export const review = (change: Partial<Review> = {}): Review => ({
  ...noProgress,
  ...{ rules: ['review_amount'], approvalsNeeded: 1, requestedAt: now, dueAt: expiresAt },
  ...{ outcomeDeadlineMs: 5_000, deadline: '2026-11-22T10:01:05.000000Z', firstSlipId: null },
  ...change,
});

export const reviewedSlip = (change: Partial<Review> = {}): KnownSlip => ({
  ...{ slipId: 'slip-1', caller: 'shop', reference: 'ord-1', status: 'in_review', version: 2 },
  ...{ draft: null, review: review(change), reviewed: submission },
});

export const draftSlip = (change: Partial<KnownSlip> = {}): KnownSlip => ({
  ...{ slipId: 'slip-1', caller: 'shop', reference: 'ord-1', status: 'draft', version: 1 },
  draft: { submission, remindAt, expiresAt },
  review: null,
  reviewed: null,
  ...change,
});
