import { describe, expect, it } from '@jest/globals';
import type { Posting } from '@slipstream/slip';
import { settleableAmount } from '@slipstream/slip';
import fc from 'fast-check';
import { eur } from '../../../test/builders.ts';
import {
  compensatePostings,
  feePostings,
  type HeldMoney,
  holdPostings,
  moneyBackPostings,
  partPostings,
  refundPostings,
  reversalPostings,
  settlePostings,
  suspensePostings,
  writeOffPostings,
} from './postings.ts';

const order: HeldMoney = { kind: 'order', account: 'cust-1', counterparty: 'shop-1', amount: eur(1000) };
const shown = (postings: readonly Posting[]) =>
  postings.map(
    ({ account, direction, amount }) => `${account} ${direction} ${amount.amount} ${amount.currency}`,
  );

describe('postings', () => {
  it.each<[string, Posting[], string[]]>([
    [
      'a hold puts the amount aside',
      holdPostings(order),
      ['payer:cust-1:available debit 1000 EUR', 'payer:cust-1:held credit 1000 EUR'],
    ],
    [
      'an order leaves through its provider',
      settlePostings(order, 1000n, 'acme'),
      ['payer:cust-1:held debit 1000 EUR', 'provider:acme:settlement credit 1000 EUR'],
    ],
    [
      'a payment funds its counterparty',
      settlePostings({ ...order, kind: 'payment' }, 1000n, 'acme'),
      ['payer:cust-1:held debit 1000 EUR', 'payer:shop-1:available credit 1000 EUR'],
    ],
    [
      'settling less than the hold releases the rest',
      settlePostings(order, 300n, 'acme'),
      [
        'payer:cust-1:held debit 1000 EUR',
        'provider:acme:settlement credit 300 EUR',
        'payer:cust-1:available credit 700 EUR',
      ],
    ],
    [
      'settling nothing releases all',
      settlePostings(order, 0n, 'acme'),
      ['payer:cust-1:held debit 1000 EUR', 'payer:cust-1:available credit 1000 EUR'],
    ],
    [
      'what lies in suspense is given back to the payer',
      suspensePostings('give_back', order, 300n, 'acme'),
      ['payer:cust-1:suspense debit 300 EUR', 'payer:cust-1:available credit 300 EUR'],
    ],
    [
      'a claim that is written off is a loss of the house',
      writeOffPostings(order, 300n, 'acme'),
      ['house:own:losses debit 300 EUR', 'provider:acme:receivable credit 300 EUR'],
    ],
    [
      'a settlement that is upheld is owed by nobody',
      suspensePostings('uphold', order, 300n, 'acme'),
      ['payer:cust-1:suspense debit 300 EUR', 'provider:acme:receivable credit 300 EUR'],
    ],
    [
      'a refund gives the hold back',
      refundPostings(order),
      ['payer:cust-1:held debit 1000 EUR', 'payer:cust-1:available credit 1000 EUR'],
    ],
    [
      'a compensation claims the money from the provider',
      compensatePostings(order, 1000n, 'acme'),
      ['provider:acme:receivable debit 1000 EUR', 'provider:acme:settlement credit 1000 EUR'],
    ],
    [
      'a compensated payment still funds its counterparty',
      compensatePostings({ ...order, kind: 'payment' }, 1000n, 'acme'),
      ['provider:acme:receivable debit 1000 EUR', 'payer:shop-1:available credit 1000 EUR'],
    ],
    [
      'a further part comes out of what was released',
      partPostings(order, 700n, 'acme'),
      ['payer:cust-1:available debit 700 EUR', 'provider:acme:settlement credit 700 EUR'],
    ],
    [
      'a further part of what somebody pays himself moves nothing',
      partPostings({ ...order, kind: 'payment', counterparty: 'cust-1' }, 700n, 'acme'),
      [],
    ],
    [
      'what is denied after the settlement is claimed from the provider and put aside',
      reversalPostings(order, 1000n, 'acme'),
      ['provider:acme:receivable debit 1000 EUR', 'payer:cust-1:suspense credit 1000 EUR'],
    ],
    [
      'what a provider charges is paid by the house',
      feePostings(eur(30), 'acme'),
      ['house:own:costs debit 30 EUR', 'provider:acme:fees credit 30 EUR'],
    ],
    [
      'what a statement shows to be back is the payer’s',
      moneyBackPostings(order, 1000n, 'payer:cust-1:suspense'),
      ['payer:cust-1:suspense debit 1000 EUR', 'payer:cust-1:available credit 1000 EUR'],
    ],
  ])('%s', (_, postings, expected) => {
    expect(shown(postings)).toEqual(expected);
  });

  it('sums to zero and posts only amounts above zero, whatever the terms', () => {
    const terms = fc.record({
      kind: fc.constantFrom('order' as const, 'payout' as const, 'payment' as const),
      account: fc.constantFrom('a', 'b', 'a:held'),
      counterparty: fc.constantFrom('a', 'b', 'c'),
      amount: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map(eur),
    });
    fc.assert(
      fc.property(terms, fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (slip, executed) => {
        const amount = settleableAmount(slip.amount, eur(executed)) ?? 0n;
        for (const postings of [
          holdPostings(slip),
          settlePostings(slip, amount, 'acme'),
          refundPostings(slip),
          compensatePostings(slip, amount, 'acme'),
          partPostings(slip, amount, 'acme'),
          reversalPostings(slip, amount, 'acme'),
          moneyBackPostings(slip, amount, 'provider:acme:receivable'),
        ]) {
          const sum = postings.reduce(
            (total, { direction, amount: { amount: value } }) =>
              total + (direction === 'credit' ? value : -value),
            0n,
          );
          expect(sum).toBe(0n);
          expect(postings.every((posting) => posting.amount.amount > 0n)).toBe(true);
        }
      }),
    );
  });
});
