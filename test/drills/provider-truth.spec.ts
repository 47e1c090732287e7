import { expect, test } from '@jest/globals';
import type { Facts } from '@slipstream/checker';
import type { ShownSlip } from '@slipstream/local';
import { judge, type TakenPayment, unsettled } from './provider-truth.ts';

const payment: TakenPayment = {
  id: 's',
  reference: 'r',
  kind: 'order',
  account: 'ann',
  counterparty: 'shop',
  amount: { amount: '100', currency: 'EUR' },
  route: 'default',
};
const shown = (status: string, withCase = false): ShownSlip => ({
  cause: null,
  id: 's',
  reference: 'r',
  provider: 'acme',
  status,
  overdue: false,
  returned_at: null,
  dispatched_at: null,
  deadline: null,
  case: withCase ? { status: 'open' } : null,
});
const did = (...executions: number[]): Facts['truth'] =>
  executions.map((times, index) => ({
    slip_id: 's',
    reference: 'r',
    provider: `provider-${index}`,
    received_at: '2026-11-22T10:00:00.000Z',
    executions: times,
    outcome: null,
    answers: [],
  }));
type Leg = [account: string, direction: 'debit' | 'credit', amount: bigint];
const booked = (...transactions: Leg[][]): Facts['transactions'] =>
  transactions.map((legs, index) => ({
    id: `t-${index}`,
    slipId: 's',
    clock: 'wall',
    type: 'unknown',
    postings: legs.map(([account, direction, amount]) => ({
      account,
      direction,
      amount: { amount, currency: 'EUR' },
    })),
  }));
const hold: Leg[] = [
  ['payer:ann:available', 'debit', 100n],
  ['payer:ann:held', 'credit', 100n],
];
const settlement: Leg[] = [
  ['payer:ann:held', 'debit', 100n],
  ['provider:acme:settlement', 'credit', 100n],
];
const refund: Leg[] = [
  ['payer:ann:held', 'debit', 100n],
  ['payer:ann:available', 'credit', 100n],
];
const nothingWrong = {
  lost: 0,
  unended: 0,
  executed_twice: 0,
  executed_by_two: 0,
  money_differs: 0,
  holds: true,
};
const judged = (
  slip: ShownSlip | null,
  truth: Facts['truth'],
  transactions: Facts['transactions'],
  share = 0,
) => judge([payment], slip ? [slip] : [], { truth, transactions }, share);

test.each<[string, ReturnType<typeof judged>]>([
  ['settled and executed once', judged(shown('settled'), did(1), booked(hold, settlement))],
  ['given back and not executed', judged(shown('refunded'), did(0), booked(hold, refund))],
  ['never received', judged(shown('refunded'), [], booked(hold, refund))],
  [
    'tried at one provider and executed by another',
    judged(shown('settled'), did(0, 1), booked(hold, settlement)),
  ],
  ['executed and open for people', judged(shown('unknown', true), did(1), booked(hold))],
])('a slip that is %s is right', (_, result) => {
  expect(result).toMatchObject({ slips: 1, ...nothingWrong });
});

test.each<[string, ReturnType<typeof judged>, object]>([
  ['lost', judged(null, [], []), { lost: 1 }],
  ['without an end', judged(shown('held'), [], booked(hold)), { unended: 1 }],
  ['executed twice', judged(shown('unknown', true), did(2), booked(hold)), { executed_twice: 1 }],
  [
    'executed by two providers',
    judged(shown('unknown', true), did(1, 1), booked(hold)),
    { executed_by_two: 1 },
  ],
  [
    'settled and never executed',
    judged(shown('settled'), did(0), booked(hold, settlement)),
    { money_differs: 1 },
  ],
  ['given back and executed', judged(shown('refunded'), did(1), booked(hold, refund)), { money_differs: 1 }],
  ['settled without its posting', judged(shown('settled'), did(1), booked(hold)), { money_differs: 1 }],
])('a slip that is %s does not hold', (_, result, wrong) => {
  expect(result).toMatchObject({ ...nothingWrong, ...wrong, holds: false });
});

test('too few that settled do not hold', () => {
  expect(judged(shown('refunded'), did(0), booked(hold, refund), 0.85).holds).toBe(false);
});

test('who was not settled is told by route, fault and what became of it, the most frequent first', () => {
  const taken = ['a-lost', 'b-lost', 'c-late', 'd-lost'].map((reference) => ({
    ...payment,
    id: reference,
    reference,
  }));
  const slips = [
    { ...shown('refunded'), id: 'a-lost' },
    { ...shown('refunded'), id: 'b-lost' },
    { ...shown('unknown', true), id: 'c-late' },
    { ...shown('settled'), id: 'd-lost' },
  ];
  expect(unsettled(taken, slips)).toEqual(['2 default lost: refunded', '1 default late: unknown, a case']);
  expect(unsettled(taken.slice(0, 1), [])).toEqual(['1 default lost: lost']);
});
