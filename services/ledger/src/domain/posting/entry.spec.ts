import { describe, expect, it } from '@jest/globals';
import { InvariantError, type Money } from '@slipstream/kernel';
import type { Posting, SlipKind } from '@slipstream/slip';
import fc from 'fast-check';
import { accountKinds, accountName, parseAccountName } from './chart.ts';
import { entryOf, postingsOf } from './entry.ts';
import {
  compensatePostings,
  feePostings,
  holdPostings,
  moneyBackPostings,
  partPostings,
  refundPostings,
  reversalPostings,
  settlePostings,
} from './postings.ts';

const name = fc.string({ minLength: 1, maxLength: 12 });
const amount = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });
const held = fc.record({
  kind: fc.constantFrom<SlipKind>('order', 'payout', 'payment'),
  account: name,
  counterparty: name,
  amount: amount.map((minor): Money => ({ amount: minor, currency: 'EUR' })),
});

describe('every transaction that the ledger books', () => {
  it('is one entry, and the entry is its postings', () => {
    fc.assert(
      fc.property(held, name, fc.double({ min: 0, max: 1, noNaN: true }), (money, provider, share) => {
        const part = (money.amount.amount * BigInt(Math.floor(share * 1000))) / 1000n;
        for (const postings of [
          holdPostings(money),
          settlePostings(money, part, provider),
          settlePostings(money, money.amount.amount, provider),
          refundPostings(money),
          compensatePostings(money, money.amount.amount, provider),
          feePostings(money.amount, provider),
          partPostings({ ...money, account: `not ${money.counterparty}` }, money.amount.amount, provider),
          reversalPostings(money, money.amount.amount, provider),
          moneyBackPostings(money, money.amount.amount, `provider:${provider}:receivable`),
        ]) {
          expect(postingsOf(entryOf(postings))).toEqual(postings);
        }
      }),
    );
  });
});

describe('postings that are no entry', () => {
  const debit: Posting = { account: 'a', direction: 'debit', amount: { amount: 10n, currency: 'EUR' } };
  const credit = (minor: bigint, currency = 'EUR'): Posting => ({
    account: 'b',
    direction: 'credit',
    amount: { amount: minor, currency },
  });
  it.each<[string, Posting[]]>([
    ['none', []],
    ['a debit alone', [debit]],
    ['a sum that is not zero', [debit, credit(9n)]],
    ['two debits', [debit, debit]],
    ['a credit first', [credit(10n), debit]],
    ['another currency', [debit, credit(10n, 'USD')]],
    ['three credits', [debit, credit(8n), credit(1n), credit(1n)]],
  ])('%s', (_, postings) => {
    expect(() => entryOf(postings)).toThrow(InvariantError);
  });
});

describe('the name of an account', () => {
  it('is read back, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...accountKinds), (owner, kind) => {
        expect(parseAccountName(accountName({ owner, kind }))).toEqual({ owner, kind });
      }),
    );
    expect(parseAccountName('payer:payer:bob:held:available')).toEqual({
      owner: 'payer:bob:held',
      kind: 'available',
    });
  });

  it.each(['', 'cust-1', 'payer:x', 'payer:x:settlement', 'provider:x:held', 'bank:x:held', 'payer:held'])(
    '%j is none',
    (text) => {
      expect(parseAccountName(text)).toBeNull();
    },
  );
});
