import type { Money } from '@slipstream/kernel';
import type { Posting, SlipKind } from '@slipstream/slip';
import { payerAvailable, payerHeld, providerReceivable, providerSettlement } from './chart.ts';

/** Whose money a slip moves, to whom. */
export interface HeldMoney {
  readonly kind: SlipKind;
  readonly account: string;
  readonly counterparty: string;
  readonly amount: Money;
}

/** Puts the slip's amount aside. */
export function holdPostings({ account, amount }: HeldMoney): Posting[] {
  return postings(
    amount.currency,
    [payerAvailable(account), -amount.amount],
    [payerHeld(account), amount.amount],
  );
}

/** Uses `settled` of what is held and releases the rest. */
export function settlePostings(held: HeldMoney, settled: bigint, provider: string): Posting[] {
  const { account, amount } = held;
  return postings(
    amount.currency,
    [payerHeld(account), -amount.amount],
    [destination(held, provider), settled],
    [payerAvailable(account), amount.amount - settled],
  );
}

/** Gives everything that is held back to the payer. */
export function refundPostings({ account, amount }: HeldMoney): Posting[] {
  return postings(
    amount.currency,
    [payerHeld(account), -amount.amount],
    [payerAvailable(account), amount.amount],
  );
}

/** The provider executed after the refund: the money goes where a settlement takes it, and is claimed from the provider. */
export function compensatePostings(held: HeldMoney, executed: bigint, provider: string): Posting[] {
  return postings(
    held.amount.currency,
    [providerReceivable(provider), -executed],
    [destination(held, provider), executed],
  );
}

/** A payment funds its counterparty's account here; orders and payouts leave through the provider. */
function destination({ kind, counterparty }: HeldMoney, provider: string): string {
  return kind === 'payment' ? payerAvailable(counterparty) : providerSettlement(provider);
}

/** One posting per account and change; a change below zero is a debit, a change of zero is none. */
function postings(
  currency: string,
  ...changes: readonly (readonly [account: string, change: bigint])[]
): Posting[] {
  return changes
    .filter(([, change]) => change !== 0n)
    .map(([account, change]) => ({
      account,
      direction: change < 0n ? 'debit' : 'credit',
      amount: { amount: change < 0n ? -change : change, currency },
    }));
}
