import { describe, expect, it } from '@jest/globals';
import { showAmount } from '../output/show-amount.ts';
import { showSpan, showTime } from '../output/show-time.ts';
import { tell } from './sentences.ts';

const transaction = {
  ...{ id: 't-1', type: 'settle' },
  postings: [{ account: 'payer:c:held', direction: 'debit', amount: { amount: '5', currency: 'EUR' } }],
};
const deadline = '2026-11-22T10:00:05.000000Z';

describe('an event in words', () => {
  it.each([
    [
      'rejected',
      { detail: 'There is no route x.', rule: 'route_unknown' },
      'The slip was refused: There is no route x.',
    ],
    [
      'dispatch_intended',
      { attempt: 1, provider: 'acme' },
      'Attempt 1 to hand it to acme was written down before the call.',
    ],
    [
      'dispatch_not_sent',
      { attempt: 1, reason: 'connection_refused' },
      'Attempt 1 did not leave this system: connection refused.',
    ],
    [
      'dispatch_unanswered',
      { attempt: 1, provider: 'acme', reason: 'timeout' },
      'Attempt 1 may have reached acme, but no usable answer came: timeout.',
    ],
    ['acknowledged', { provider: null }, 'The provider took the slip.'],
    ['progressed', { provider: 'acme', step: 'on_the_way' }, 'Acme reported a step: on the way.'],
    [
      'returned',
      { provider: 'acme', outcome: 'failed', reason: 'AC04' },
      'The outcome returned: acme says failed (AC04).',
    ],
    [
      'answer_doubted',
      { provider: 'acme', doubt: 'word_unknown', said: 'MAYBE' },
      'Acme said something that settles nothing: word unknown.',
    ],
    [
      'inquiry_answered',
      { provider: 'acme', inquiry: 2, answer: 'not_found' },
      'Acme answered inquiry 2: not found.',
    ],
    ['funds_held', { transaction: null }, 'The ledger let it go on; no money is involved.'],
    ['funds_held', { transaction }, 'The ledger put the money aside.'],
    [
      'hold_refused',
      { reason: 'insufficient_funds' },
      'The ledger did not put the money aside: insufficient funds.',
    ],
    ['settled', { transaction }, 'The slip was settled.'],
    ['refunded', { transaction, reason: 'not_executed' }, 'The held money was given back: not executed.'],
    ['refund_refused', { reason: 'settled' }, 'The ledger refused a refund: settled.'],
    ['posting_compensated', { reason: 'late_success' }, 'A compensating posting was made: late success.'],
    [
      'overdue',
      { stage: 'returned', deadline },
      'Nothing that ends the stage "returned" was received by its deadline, 2026-11-22T10:00:05Z.',
    ],
    ['inquiry_requested', { inquiry: 1 }, 'Inquiry 1 to the provider was asked for.'],
    [
      'refund_requested',
      { requested_by: 'reconciliation', basis: 'not_executed' },
      'Reconciliation asked for a refund (it is proved that it was not executed).',
    ],
    [
      'not_returned',
      { basis: 'no_answer', deadline },
      'The slip did not return: no answer came, and nobody can be asked.',
    ],
    [
      'late_return_found',
      { deadline, received_at: '2026-11-22T10:01:06.000000Z', after: 'overdue' },
      'The answer came after all, 1 min 1 s after its deadline.',
    ],
    ['case_opened', { reason: 'no_answer', summary: '' }, 'A case was opened: no answer.'],
    ['case_closed', { resolution: 'returned' }, 'The case was closed: returned.'],
    [
      'case_closed',
      { resolution: 'returned', reason: 'no_answer' },
      'The case for no answer was closed: returned.',
    ],
  ])('%s', (name, data, sentence) => {
    expect(tell(`slipstream.slip.${name}.v1`, data).sentence).toBe(sentence);
  });

  it('tells a submission with its terms, a diagnosis with its evidence, a booking with its postings', () => {
    const submitted = {
      ...{
        caller: '/shop',
        reference: 'r',
        kind: 'order',
        account: 'c',
        counterparty: 's',
        route: 'default',
      },
      ...{ mode: 'dispatched', amount: { amount: '1250', currency: 'JPY' }, deadline, review_required: true },
      details: { clear: { text: '', metadata: { basket: '7' } }, sealed: null },
    };
    expect(tell('slipstream.slip.submitted.v1', submitted)).toEqual({
      sentence: '/shop submitted an order of 1250 JPY from c to s.',
      facts: [
        'reference r, route default (dispatched)',
        'answer due by 2026-11-22T10:00:05Z',
        'a person has to review it first',
        'metadata: basket=7',
      ],
    });
    const cause = {
      ...{
        class: 'third_party',
        code: 'callback_lost',
        confidence: 90,
        summary: 'It got lost',
        remedy: 'Ask',
      },
      evidence: ['e-1'],
    };
    expect(tell('slipstream.slip.diagnosed.v1', { cause })).toEqual({
      sentence: 'Diagnosis: It got lost.',
      facts: ['cause third_party/callback_lost, 90 % sure', 'remedy: Ask', 'evidence: e-1'],
    });
    const intended = {
      attempt: 2,
      provider: 'bolt',
      not_after: deadline,
      reason: 'not_sent',
      detail: 'Priority 2.',
    };
    expect(tell('slipstream.slip.dispatch_intended.v1', intended).facts).toEqual([
      'nothing is sent after 2026-11-22T10:00:05Z',
      'why this one: not sent. Priority 2.',
    ]);
    expect(tell('slipstream.slip.settled.v1', { transaction }).facts).toEqual([
      'transaction t-1',
      'debit payer:c:held 0.05 EUR',
    ]);
  });

  it('names what it does not know', () => {
    expect(tell('slipstream.slip.praised.v1', { by: 'x' }).sentence).toBe(
      'slipstream.slip.praised.v1 happened.',
    );
    expect(tell('slipstream.slip.settled.v1', null).sentence).toBe('slipstream.slip.settled.v1 happened.');
    expect(tell('slipstream.slip.constructor.v1', {}).sentence).toContain('happened');
  });
});

describe('figures', () => {
  it.each([
    ['1', 'EUR', '0.01 EUR'],
    ['1250', 'EUR', '12.50 EUR'],
    ['1250', 'JPY', '1250 JPY'],
    ['1', 'BHD', '0.001 BHD'],
    ['-5', 'EUR', '-0.05 EUR'],
  ])('%s %s is %s', (amount, currency, shown) => {
    expect(showAmount({ amount, currency })).toBe(shown);
  });

  it.each([
    ['2018-01-01T10:00:00.000000Z', '2018-01-01T10:00:00Z'],
    ['2018-01-01T10:00:10.250000Z', '2018-01-01T10:00:10.25Z'],
    ['2018-01-01T10:00:00.000001Z', '2018-01-01T10:00:00.000001Z'],
  ])('%s is %s', (instant, shown) => {
    expect(showTime(instant)).toBe(shown);
  });

  it.each([
    [12, '12 ms'],
    [1_204, '1.204 s'],
    [61_000, '1 min 1 s'],
    [3_600_000, '1 h'],
    [273_600_000, '3 d 4 h'],
    [-1_000, '-1 s'],
  ])('%i ms is %s', (ms, shown) => {
    expect(showSpan(ms)).toBe(shown);
  });
});
