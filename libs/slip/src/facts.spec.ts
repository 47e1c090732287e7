import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from './events.ts';
import { evolve } from './evolve.ts';
import { settleableAmount } from './facts.ts';
import * as e from './specification/events.ts';
import { fold, given, late, recorded } from './specification/given.ts';

const sent = [e.submitted(), e.held, e.intended()];

const seconds = (index: number) => `2026-11-22T10:00:0${index}.000000Z`;

describe('times', () => {
  it('are our own for our steps, and the receipt for evidence', () => {
    const receivedTime = '2026-11-22T09:59:00.000000Z';
    const log: RecordedEvent[] = [...sent, e.acknowledged, e.returned(), e.settled].map((event, index) =>
      recorded(event, index, { receivedTime }),
    );
    expect(fold(log)).toMatchObject({
      submittedAt: seconds(0),
      heldAt: seconds(1),
      dispatchedAt: seconds(2),
      acknowledgedAt: receivedTime,
      returnedAt: receivedTime,
      resolvedAt: seconds(5),
    });
  });

  it("are the importer's on an imported clock", () => {
    const receivedTime = '2018-05-01T12:00:00.000000Z';
    const log = [e.submitted({ mode: 'reported' }), e.held, e.returned(), e.settled].map((event, index) =>
      recorded(event, index, { clock: 'import-olist', receivedTime }),
    );
    expect(fold(log)).toMatchObject({
      clock: 'import-olist',
      submittedAt: receivedTime,
      heldAt: receivedTime,
      returnedAt: receivedTime,
      resolvedAt: receivedTime,
      anomalyCount: 0,
    });
  });

  it('keep an event of another clock, and say so', () => {
    const state = evolve(given(e.submitted()).state, recorded(e.held, 1, { clock: 'import-olist' }));
    expect(state).toMatchObject({ held: true, anomalies: [{ reason: 'other_clock' }] });
  });

  it('show a dispatch only while something may have left', () => {
    expect(given(...sent, e.notSent()).state.dispatchedAt).toBeNull();
    expect(given(...sent, e.notSent(), e.intended(2)).state.dispatchedAt).toBe(seconds(4));
    expect(given(...sent, e.unanswered()).state.dispatchedAt).toBe(seconds(2));
  });
});

describe('facts', () => {
  it('of the first answer stand, whatever is said later', () => {
    const amount = { amount: 1250n, currency: 'EUR' };
    const { state } = given(
      ...sent,
      e.returned('failed', { reason: 'AC04', amount, evidence: 'synchronous_reply' }),
      late(e.returned('succeeded', { evidence: 'statement_line' })),
    );
    expect(state).toMatchObject({
      outcome: 'failed',
      outcomeReason: 'AC04',
      returnedAmount: amount,
      evidence: 'synchronous_reply',
      returnedAt: '2026-11-22T10:00:03.000000Z',
      contradictedBy: 'succeeded',
      conflict: true,
    });
  });

  it('of an attempt are whole, also when its end is read first', () => {
    const { state } = given(e.submitted(), e.held, e.unanswered(), e.intended());
    expect(state).toMatchObject({
      status: 'unknown',
      attempts: 1,
      lastAttempt: { number: 1, notAfter: e.notAfter, outcome: 'unanswered' },
    });
  });

  it('of the latest attempt are not touched by the end of an earlier one', () => {
    const { state } = given(...sent, e.intended(2), e.notSent(1));
    expect(state.lastAttempt).toMatchObject({ number: 2, outcome: 'open' });
  });

  it('of a proof outrank silence, in either order', () => {
    for (const bases of [
      ['not_executed', 'no_answer'],
      ['no_answer', 'not_executed'],
    ] as const) {
      expect(given(...sent, ...bases.map(e.notReturned)).state.notReturned).toBe('not_executed');
    }
  });

  it('say what a late answer came too late for', () => {
    const verdict = [...sent, e.unanswered(), e.overdue()];
    const refund = [e.notReturned(), e.refundRequested, e.refunded];
    expect(given(...sent, e.returned()).state.returnedAfter).toBeNull();
    expect(given(...sent, late(e.returned()), e.overdue()).state.returnedAfter).toBe('overdue');
    expect(given(...verdict, late(e.returned())).state.returnedAfter).toBe('overdue');
    expect(given(...verdict, e.notReturned(), late(e.returned())).state.returnedAfter).toBe('not_returned');
    expect(given(...verdict, ...refund, late(e.returned())).state.returnedAfter).toBe('refunded');
  });

  it('of a slip whose submission comes last are all there', () => {
    const { state } = given(e.held, e.intended(), e.returned(), e.settled, e.submitted());
    expect(state).toMatchObject({
      status: 'settled',
      held: true,
      outcome: 'succeeded',
      reference: 'ord-1001',
    });
    expect(state.anomalyCount).toBe(4);
  });

  it('of a refused slip name the rule', () => {
    expect(given(e.rejected).state).toMatchObject({
      caller: 'shop',
      reference: 'ord-1001',
      rejection: { reason: 'limit_exceeded' },
    });
  });

  it('of a case: open until each of its reasons is resolved', () => {
    const two = [e.submitted(), e.caseOpened('amount_mismatch'), e.caseOpened('inquiry_exhausted')];
    const one = given(...two, e.caseClosed('inquiry_exhausted')).state.case;
    expect(one).toMatchObject({ status: 'open', reason: 'amount_mismatch' });
    expect(one?.reasons.map(({ reason, resolution }) => [reason, resolution])).toEqual([
      ['amount_mismatch', null],
      ['inquiry_exhausted', 'by_statement'],
    ]);
    const both = given(...two, e.caseClosed('inquiry_exhausted'), e.caseClosed('amount_mismatch')).state.case;
    expect(both).toMatchObject({ status: 'closed', reason: 'inquiry_exhausted' });
  });

  it('of a case: closed at once by an event that names no reason, and opened anew for the same one', () => {
    const closed = [e.submitted(), e.caseOpened(), e.caseOpened('amount_mismatch'), e.caseClosed(null)];
    expect(given(...closed).state.case?.status).toBe('closed');
    expect(given(...closed, e.caseOpened()).state.case).toMatchObject({
      status: 'open',
      reason: 'inquiry_exhausted',
      openedAt: seconds(4),
    });
  });
});

describe('a success', () => {
  const asked = { amount: 1250n, currency: 'EUR' };
  const rows: [string, typeof asked | null, bigint | null, string][] = [
    ['that names no amount settles all', null, 1250n, 'returned'],
    ['with the amount asked for settles it', asked, 1250n, 'returned'],
    ['with less settles that', { amount: 999n, currency: 'EUR' }, 999n, 'returned'],
    ['with nothing settles nothing, and releases all', { amount: 0n, currency: 'EUR' }, 0n, 'returned'],
    ['with one unit more is in doubt', { amount: 1251n, currency: 'EUR' }, null, 'unknown'],
    ['with a hundredfold is in doubt', { amount: 125_000n, currency: 'EUR' }, null, 'unknown'],
    ['with less than nothing is in doubt', { amount: -1n, currency: 'EUR' }, null, 'unknown'],
    ['in another currency is in doubt', { amount: 1250n, currency: 'JPY' }, null, 'unknown'],
  ];
  it.each(rows)('%s', (_, amount, settles, status) => {
    expect(settleableAmount(asked, amount)).toBe(settles);
    expect(given(...sent, e.returned('succeeded', { amount })).state.status).toBe(status);
  });

  it('in doubt shows what the money then did', () => {
    const inDoubt = e.returned('succeeded', { amount: { amount: 1250n, currency: 'JPY' } });
    expect(given(...sent, inDoubt, e.settled).state.status).toBe('settled');
    expect(given(...sent, inDoubt, e.refunded).state.status).toBe('conflicted');
  });
});
