import type { Money } from '@slipstream/kernel';
import type { Posting, SlipKind, SuspenseDecision } from '@slipstream/slip';
import {
  houseCosts,
  houseLosses,
  payerAvailable,
  payerHeld,
  payerSuspense,
  providerFees,
  providerReceivable,
  providerSettlement,
} from './chart.ts';

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

/** The provider executed more of a slip of which only a part was: it comes out of what was released then. */
export function partPostings(held: HeldMoney, executed: bigint, provider: string): Posting[] {
  const [from, to] = [payerAvailable(held.account), destination(held, provider)];
  // Who pays himself has it already.
  return from === to ? [] : postings(held.amount.currency, [from, -executed], [to, executed]);
}

/** The provider denies what was settled: it is claimed from the provider, and put aside until its way is known. */
export function reversalPostings(held: HeldMoney, executed: bigint, provider: string): Posting[] {
  return postings(
    held.amount.currency,
    [providerReceivable(provider), -executed],
    [payerSuspense(held.account), executed],
  );
}

/** A statement shows that the money came back: it is the payer's again, out of `from`. */
export function moneyBackPostings(held: HeldMoney, executed: bigint, from: string): Posting[] {
  return postings(held.amount.currency, [from, -executed], [payerAvailable(held.account), executed]);
}

/** What a provider owes and never pays: whoever runs this system bears it. */
export function writeOffPostings(
  { amount }: Pick<HeldMoney, 'amount'>,
  claimed: bigint,
  provider: string,
): Posting[] {
  return postings(amount.currency, [houseLosses, -claimed], [providerReceivable(provider), claimed]);
}

/** What lies in suspense leaves it: to the payer, or, where the settlement stands, against the claim on the provider. */
export function suspensePostings(
  decision: Exclude<SuspenseDecision, 'write_off'>,
  held: Pick<HeldMoney, 'account' | 'amount'>,
  executed: bigint,
  provider: string,
): Posting[] {
  const from = payerSuspense(held.account);
  const to = decision === 'give_back' ? payerAvailable(held.account) : providerReceivable(provider);
  return postings(held.amount.currency, [from, -executed], [to, executed]);
}

/** What the provider charges is the house's business: it takes nothing of the slip's amount. */
export function feePostings({ amount, currency }: Money, provider: string): Posting[] {
  return postings(currency, [houseCosts, -amount], [providerFees(provider), amount]);
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
