import { assert } from '@slipstream/kernel';
import type { Posting } from '@slipstream/slip';

/** A transaction as one row: one account pays another, and what is left to a third. Its postings sum to zero by shape. */
export interface Entry {
  readonly currency: string;
  /** Names of accounts, as postings show them. */
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly rest: { readonly credit: string; readonly amount: bigint } | null;
}

/** @throws InvariantError when they are no debit of one account followed by one or two credits that use it up */
export function entryOf(postings: readonly Posting[]): Entry {
  const [debit, credit, rest, ...others] = postings;
  assert(debit !== undefined && credit !== undefined, 'a transaction has a debit and a credit');
  assert(others.length === 0, 'a transaction credits two accounts at most');
  const credits = rest === undefined ? [credit] : [credit, rest];
  const { currency } = debit.amount;
  let left = debit.amount.amount;
  for (const { direction, amount } of credits) {
    assert(
      direction === 'credit' && amount.currency === currency,
      'a debit is followed by credits of its currency',
    );
    left -= amount.amount;
  }
  assert(debit.direction === 'debit' && left === 0n, 'the postings of a transaction sum to zero');
  return {
    currency,
    debit: debit.account,
    credit: credit.account,
    amount: credit.amount.amount,
    rest: rest === undefined ? null : { credit: rest.account, amount: rest.amount.amount },
  };
}

/** What {@link entryOf} was given. */
export function postingsOf({ currency, debit, credit, amount, rest }: Entry): Posting[] {
  const credits: Posting[] = [{ account: credit, direction: 'credit', amount: { amount, currency } }];
  if (rest !== null) {
    credits.push({ account: rest.credit, direction: 'credit', amount: { amount: rest.amount, currency } });
  }
  const all = amount + (rest?.amount ?? 0n);
  return [{ account: debit, direction: 'debit', amount: { amount: all, currency } }, ...credits];
}
