import type { DataOf, NotReturnedBasis, Outcome, SlipEvent, Stage, SuspenseDecision } from '../events.ts';

/** One plain event of every type, for specifications: change only what the example is about. */

export const deadline = '2026-11-22T10:05:00.000000Z';
export const notAfter = '2026-11-22T10:01:00.000000Z';

export const submitted = (data: Partial<DataOf<'SlipSubmitted'>> = {}): SlipEvent => ({
  type: 'SlipSubmitted',
  data: {
    caller: 'shop',
    reference: 'ord-1001',
    kind: 'order',
    account: 'cust-42',
    counterparty: 'shop-7',
    amount: { amount: 1250n, currency: 'EUR' },
    route: 'default',
    mode: 'dispatched',
    provider: null,
    overdraft: true,
    reviewRequired: false,
    deadline,
    policy: { graceMs: 0, quietPeriodMs: 2000, inquiryLadderMs: [0, 5000, 10_000] },
    configDigest: '00'.repeat(32),
    details: null,
    ...data,
  },
});
export const rejected: SlipEvent = {
  type: 'SlipRejected',
  data: { caller: 'shop', reference: 'ord-1001', rule: 'limit_exceeded', detail: '' },
};
export const drafted = (data: Partial<DataOf<'SlipDrafted'>> = {}): SlipEvent => ({
  type: 'SlipDrafted',
  data: {
    caller: 'shop',
    reference: 'ord-1001',
    kind: 'order',
    account: 'cust-42',
    counterparty: 'shop-7',
    amount: { amount: 1250n, currency: 'EUR' },
    route: 'default',
    remindAt: '2026-11-22T23:00:00.000000Z',
    expiresAt: draftExpiresAt,
    configDigest: '00'.repeat(32),
    details: null,
    deadline: null,
    ...data,
  },
});
const draftExpiresAt = '2026-11-23T00:00:00.000000Z';
export const reminderDue: SlipEvent = { type: 'DraftReminderDue', data: { expiresAt: draftExpiresAt } };
export const draftExpired: SlipEvent = { type: 'DraftExpired', data: { expiresAt: draftExpiresAt } };
export const withdrawn: SlipEvent = {
  type: 'SlipWithdrawn',
  data: { by: 'shop', reason: 'changed_mind' },
};
export const reviewRequested: SlipEvent = {
  type: 'ReviewRequested',
  data: { rules: ['review_amount'], approvals: 2, dueAt: notAfter, firstSlipId: null },
};
export const reviewClaimed: SlipEvent = { type: 'ReviewClaimed', data: { by: 'ann' } };
export const reviewReleased: SlipEvent = { type: 'ReviewReleased', data: { by: 'ann' } };
export const approvalGiven: SlipEvent = {
  type: 'ApprovalGiven',
  data: { by: 'ann', note: '', missing: 1 },
};
export const approved = (data: Partial<DataOf<'SlipApproved'>> = {}): SlipEvent => ({
  type: 'SlipApproved',
  data: { by: 'bob', note: 'as agreed', deadline, ...data },
});
export const declined: SlipEvent = {
  type: 'SlipDeclined',
  data: { by: 'ann', reason: 'wrong_payee', detail: '' },
};
export const held: SlipEvent = { type: 'FundsHeld', data: { transaction: null } };
export const holdRefused: SlipEvent = {
  type: 'HoldRefused',
  data: { reason: 'insufficient_funds', detail: 'available 0' },
};
export const intended = (attempt = 1, data: Partial<DataOf<'DispatchIntended'>> = {}): SlipEvent => ({
  type: 'DispatchIntended',
  data: { attempt, provider: 'acme', digest: 'ab', notAfter, reason: null, detail: null, ...data },
});
export const notSent = (attempt = 1): SlipEvent => ({
  type: 'DispatchNotSent',
  data: { attempt, provider: 'acme', reason: 'connection_refused', detail: '' },
});
export const unanswered = (attempt = 1): SlipEvent => ({
  type: 'DispatchUnanswered',
  data: { attempt, provider: 'acme', reason: 'timeout', detail: '' },
});
export const acknowledged: SlipEvent = {
  type: 'SlipAcknowledged',
  data: { provider: 'acme', providerReference: 'p-1', evidence: 'synchronous_reply', providerTime: null },
};
export const progressed = (step = 'shipped'): SlipEvent => ({
  type: 'SlipProgressed',
  data: { provider: 'acme', step, evidence: 'signed_callback', providerTime: null },
});
export const returned = (
  outcome: Outcome = 'succeeded',
  data: Partial<DataOf<'SlipReturned'>> = {},
): SlipEvent => ({
  type: 'SlipReturned',
  data: {
    provider: 'acme',
    outcome,
    reason: null,
    amount: null,
    evidence: 'signed_callback',
    providerReference: 'p-1',
    providerTime: null,
    ...data,
  },
});
export const doubted = (data: Partial<DataOf<'AnswerDoubted'>> = {}): SlipEvent => ({
  type: 'AnswerDoubted',
  data: {
    provider: 'acme',
    doubt: 'word_unknown',
    said: 'COMPLETED_MAYBE',
    evidence: 'signed_callback',
    providerReference: 'p-1',
    providerTime: null,
    ...data,
  },
});
export const callbackRefused: SlipEvent = {
  type: 'CallbackRefused',
  data: {
    provider: 'acme',
    callbacksRefused: {
      ...{ refused: 12, accepted: 0, slips: 5 },
      ...{ since: '2026-11-22T10:01:04.000000Z', until: '2026-11-22T10:02:10.000000Z' },
    },
  },
};
export const settled: SlipEvent = { type: 'SlipSettled', data: { transaction: null } };
export const refunded: SlipEvent = { type: 'SlipRefunded', data: { transaction: null, reason: 'failed' } };
export const refundRefused: SlipEvent = { type: 'RefundRefused', data: { reason: 'already_settled' } };
export const compensated: SlipEvent = {
  type: 'PostingCompensated',
  data: { transaction: null, reason: 'late_success' },
};
export const latePart: SlipEvent = {
  type: 'PostingCompensated',
  data: { transaction: null, reason: 'late_part' },
};
export const reversed: SlipEvent = {
  type: 'PostingCompensated',
  data: { transaction: null, reason: 'reversal' },
};
export const moneyBack: SlipEvent = {
  type: 'PostingCompensated',
  data: { transaction: null, reason: 'money_back' },
};
export const partBack: SlipEvent = {
  type: 'PostingCompensated',
  data: { transaction: null, reason: 'part_back' },
};
export const suspenseDecided = (decision: SuspenseDecision): SlipEvent => ({
  type: 'SuspenseDecided',
  data: {
    ...{ decision, provider: 'acme', proposedBy: 'ann', approvedBy: 'bob' },
    ...{ reason: 'the provider took it back', note: 'seen in their portal' },
  },
});
export const givenBack: SlipEvent = {
  type: 'PostingCompensated',
  data: { transaction: null, reason: 'given_back' },
};
export const upheld: SlipEvent = {
  type: 'PostingCompensated',
  data: { transaction: null, reason: 'upheld' },
};
export const writtenOff: SlipEvent = {
  type: 'PostingCompensated',
  data: { transaction: null, reason: 'written_off' },
};
export const settledInParts = (part: number): SlipEvent => ({
  type: 'SlipSettled',
  data: { transaction: null, part },
});
export const overdue = (stage: Stage = 'returned'): SlipEvent => ({
  type: 'SlipOverdue',
  data: { stage, deadline },
});
export const diagnosed = (code = 'callback_lost'): SlipEvent => ({
  type: 'SlipDiagnosed',
  data: {
    cause: { class: 'third_party', code, confidence: 80, summary: '', remedy: '', evidence: ['e1'] },
  },
});
export const inquiryRequested = (inquiry = 1): SlipEvent => ({
  type: 'InquiryRequested',
  data: { inquiry },
});
export const inquiryAnswered = (
  answer: DataOf<'InquiryAnswered'>['answer'] = 'pending',
  data: Partial<DataOf<'InquiryAnswered'>> = {},
): SlipEvent => ({
  type: 'InquiryAnswered',
  data: { inquiry: 1, provider: 'acme', answer, provesNotExecuted: false, detail: '', ...data },
});
export const notReturned = (basis: NotReturnedBasis = 'not_executed'): SlipEvent => ({
  type: 'SlipNotReturned',
  data: { basis, deadline },
});
export const refundRequested: SlipEvent = {
  type: 'RefundRequested',
  data: { basis: 'not_executed', requestedBy: 'reconciliation' },
};
export const slipSlow: SlipEvent = {
  type: 'SlipSlow',
  data: {
    provider: 'acme',
    route: 'default',
    dispatchedAt: '2026-11-22T10:00:00.000000Z',
    usualMs: 1_448,
    deadline,
  },
};
export const stageLate: SlipEvent = {
  type: 'StageLate',
  data: {
    ...{ stage: 'held', point: 'warn', service: 'provider-gateway', provider: null },
    ...{ since: '2026-11-22T10:00:00.000000Z', limitMs: 2_000 },
  },
};
export const statementLineMatched: SlipEvent = {
  type: 'StatementLineMatched',
  data: {
    ...{
      statement: '0193f0a0-0000-7000-8000-000000000001',
      line: 12,
      provider: 'acme',
      outcome: 'succeeded',
    },
    ...{ reason: null, amount: { amount: 1_250n, currency: 'EUR' }, fee: { amount: 12n, currency: 'EUR' } },
    ...{ providerReference: 'acme-1', bookedOn: '2026-11-22' },
  },
};
export const breakOpened: SlipEvent = {
  type: 'BreakOpened',
  data: {
    ...{ breakId: '0193f0a0-0000-7000-8000-000000000002', kind: 'amount', line: 12, difference: -250n },
    ...{ statement: '0193f0a0-0000-7000-8000-000000000001', currency: 'EUR', awaited: 'SlipReturned' },
    ...{ expected: '12.50 EUR', seen: '10.00 EUR' },
  },
};
export const breakResolved: SlipEvent = {
  type: 'BreakResolved',
  data: {
    ...{ breakId: '0193f0a0-0000-7000-8000-000000000002', kind: 'amount', resolution: 'repaired' },
    ...{ repairedBy: '0193f0a0-0000-7000-8000-000000000003', by: null, reason: null },
  },
};
export const lateReturnFound: SlipEvent = {
  type: 'LateReturnFound',
  data: { deadline, receivedAt: '2026-11-22T10:06:00.000000Z', after: 'overdue' },
};
export const caseOpened = (reason = 'inquiry_exhausted'): SlipEvent => ({
  type: 'CaseOpened',
  data: { reason, summary: '' },
});
export const caseClosed = (reason: string | null = 'inquiry_exhausted'): SlipEvent => ({
  type: 'CaseClosed',
  data: { resolution: 'by_statement', reason },
});
export const caseNoted = (code = 'note'): SlipEvent => ({
  type: 'CaseNoted',
  data: { by: 'ann', code, text: 'asked the provider by phone' },
});
export const caseAssigned = (assignee: string | null = 'bob'): SlipEvent => ({
  type: 'CaseAssigned',
  data: { by: 'ann', assignee, note: '' },
});

/** Every type at least once, the ones that differ by their data several times. */
export const samples: readonly SlipEvent[] = [
  submitted(),
  submitted({ mode: 'reported', amount: null }),
  submitted({ reviewRequired: true }),
  rejected,
  drafted(),
  drafted({ amount: null, remindAt: null, deadline }),
  reminderDue,
  draftExpired,
  withdrawn,
  reviewRequested,
  reviewClaimed,
  reviewReleased,
  approvalGiven,
  approved(),
  declined,
  held,
  holdRefused,
  ...[1, 2].flatMap((attempt) => [intended(attempt), notSent(attempt), unanswered(attempt)]),
  acknowledged,
  progressed(),
  progressed('delivered'),
  returned('succeeded'),
  returned('succeeded', { amount: { amount: 1200n, currency: 'EUR' } }),
  returned('succeeded', { amount: { amount: 1250n, currency: 'EUR' } }),
  returned('failed', { reason: 'AC04' }),
  returned('void'),
  doubted(),
  doubted({ doubt: 'amount_unreadable', said: '"12.50"' }),
  doubted({ doubt: 'reference_shared', said: 'p-1, which names slip-2' }),
  ...[1, 2].flatMap((inquiry) => [
    inquiryRequested(inquiry),
    inquiryAnswered('pending', { inquiry }),
    inquiryAnswered('not_found', { inquiry, provesNotExecuted: true }),
    inquiryAnswered('never_sent', { inquiry, provesNotExecuted: true }),
    inquiryAnswered('unclear', { inquiry }),
  ]),
  settled,
  refunded,
  refundRefused,
  compensated,
  reversed,
  moneyBack,
  settledInParts(1),
  settledInParts(2),
  ...(['submitted', 'review', 'held', 'dispatching', 'returned'] as const).map(overdue),
  diagnosed(),
  diagnosed('provider_unreachable'),
  notReturned(),
  notReturned('no_answer'),
  refundRequested,
  lateReturnFound,
  statementLineMatched,
  breakOpened,
  breakResolved,
  caseOpened(),
  caseOpened('conflict'),
  caseClosed(),
  caseClosed('conflict'),
  caseClosed(null),
  caseNoted(),
  caseNoted('escalated'),
  caseAssigned(),
  caseAssigned(null),
];
