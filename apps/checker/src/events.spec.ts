import { describe, expect, test } from '@jest/globals';
import { encodeSlipEvent, stampEnvelope } from '@slipstream/contracts';
import type { SlipEvent } from '@slipstream/slip';
import { readEvent, sources } from './events.ts';

const time = '2026-11-22T10:00:00.123456Z';
const micros = BigInt(Date.parse('2026-11-22T10:00:00.123Z')) * 1_000n + 456n;
const later = '2026-11-22T10:00:10.000000Z';
const head = { id: 'e1', subject: 's1', clock: 'wall' };
const eur = { amount: -1_250n, currency: 'EUR' };

/** The services write, the checker reads with a reader of its own. */
const record = (source: string, event: SlipEvent) =>
  stampEnvelope(encodeSlipEvent({ ...head, source }, event), { sequence: '7', time, receivedTime: later });

const transaction = {
  id: 't1',
  type: 'settle' as const,
  postings: [
    { account: 'a', direction: 'debit' as const, amount: eur },
    { account: 'b', direction: 'credit' as const, amount: eur },
  ],
};
const submitted = {
  type: 'SlipSubmitted',
  data: {
    ...{ caller: 'shop', reference: 'r', kind: 'payout', account: 'cust', counterparty: 'shop', amount: eur },
    ...{ route: 'default', mode: 'dispatched', provider: 'acme', overdraft: true, reviewRequired: false },
    ...{ deadline: later, configDigest: 'd', details: null },
    policy: { graceMs: 250, quietPeriodMs: 2_000, inquiryLadderMs: [0] },
  },
} as const satisfies SlipEvent;
const returned = {
  type: 'SlipReturned',
  data: {
    ...{ provider: 'acme', outcome: 'void', reason: null, amount: eur, evidence: 'synchronous_reply' },
    ...{ providerReference: null, providerTime: later },
  },
} as const satisfies SlipEvent;

describe('a record of the topic', () => {
  test('is read with its number, times and terms', () => {
    expect(readEvent(record(sources.intake, submitted))).toMatchObject({
      ...{ id: 'e1', source: sources.intake, slipId: 's1', sequence: 7n, clock: 'wall', time: micros },
      receivedTime: BigInt(Date.parse(later)) * 1_000n,
      told: {
        ...{ type: 'submitted', dispatched: true, kind: 'payout', account: 'cust', counterparty: 'shop' },
        ...{ amount: eur, provider: 'acme', deadline: BigInt(Date.parse(later)) * 1_000n, graceMs: 250 },
        reviewed: false,
      },
    });
  });

  test.each<[string, SlipEvent, object]>([
    [
      sources.gateway,
      returned,
      {
        ...{ type: 'returned', outcome: 'void', amount: eur, bySynchronousReply: true },
        providerTime: BigInt(Date.parse(later)) * 1_000n,
      },
    ],
    [sources.ledger, { type: 'SlipSettled', data: { transaction } }, { type: 'settled', transaction }],
    [
      sources.ledger,
      { type: 'FundsHeld', data: { transaction: null } },
      { type: 'funds_held', transaction: null },
    ],
    [
      sources.ledger,
      { type: 'PostingCompensated', data: { transaction, reason: 'x' } },
      { type: 'posting_compensated', transaction },
    ],
    [
      sources.ledger,
      {
        type: 'SuspenseDecided',
        data: {
          ...{ decision: 'uphold', provider: 'acme', proposedBy: 'ann', approvedBy: 'bob' },
          ...{ reason: '', note: '', entry: 3 },
        },
      },
      { type: 'suspense_decided', decision: 'uphold', provider: 'acme', entry: 3 },
    ],
    [
      sources.reconciliation,
      { type: 'SlipOverdue', data: { stage: 'returned', deadline: later } },
      { type: 'overdue', ofOutcome: true },
    ],
    [
      sources.reconciliation,
      { type: 'SlipNotReturned', data: { basis: 'not_executed', deadline: later } },
      { type: 'not_returned', notExecuted: true },
    ],
    [sources.ledger, { type: 'HoldRefused', data: { reason: 'x', detail: '' } }, { type: 'hold_refused' }],
    [
      sources.gateway,
      {
        type: 'InquiryAnswered',
        data: { inquiry: 1, provider: 'acme', answer: 'pending', provesNotExecuted: false, detail: '' },
      },
      { type: 'other' },
    ],
  ])('of %s tells what it is judged by: %#', (source, event, told) => {
    expect(readEvent(record(source, event))?.told).toMatchObject(told);
  });

  test('says the same in the outbox, where it has no number yet', () => {
    const body = encodeSlipEvent({ ...head, source: sources.gateway }, returned);
    const published = readEvent(record(sources.gateway, returned));
    expect(readEvent(body)).toMatchObject({ sequence: 0n, digest: published!.digest });
    const other = encodeSlipEvent({ ...head, id: 'e2', source: sources.gateway }, returned);
    expect(readEvent(other)!.digest).not.toBe(published!.digest);
  });

  test.each([
    ['a stranger’s', record('/somebody/unknown', returned)],
    ['an answer that another service than the gateway gives', record(sources.ledger, returned)],
    ['no CloudEvent', Buffer.from('hello')],
    ['cut off', record(sources.gateway, returned).subarray(0, 40)],
  ])('is none of ours when it is %s', (_, value) => {
    expect(readEvent(value)).toBeNull();
  });
});
