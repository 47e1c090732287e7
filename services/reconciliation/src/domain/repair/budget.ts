import type { Money } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';

/** What refunds that nobody asked for may take within an hour; beyond it they wait for people. */
export interface BudgetRules {
  /** null: any number. */
  readonly countMax: number | null;
  /** In minor units, by currency; of one that is not named, any amount. */
  readonly amountMax: ReadonlyMap<string, bigint>;
  /** Of slips that our own trouble kept from being sent, within ten minutes; null: any number. */
  readonly ownTroubleMax: number | null;
}

/** Refunds wait for nobody. */
export const noBudget: BudgetRules = { countMax: null, amountMax: new Map(), ownTroubleMax: null };

/** What refunds took within the last hour. */
export interface Spent {
  readonly count: number;
  /** In minor units, by currency. */
  readonly amounts: ReadonlyMap<string, bigint>;
  /** Slips of the last ten minutes that our own trouble kept from being sent, whether or not they were refunded. */
  readonly ownTrouble: number;
}

export const nothingSpent: Spent = { count: 0, amounts: new Map(), ownTrouble: 0 };

/** A refund that nobody asked for by hand. */
export interface Refund {
  /** null: it moves no money. */
  readonly amount: Money | null;
  readonly isOwnTrouble: boolean;
}

/** With one more refund. `amount` null: it moves no money, and counts all the same. */
export function afterRefund({ count, amounts, ownTrouble }: Spent, amount: Money | null): Spent {
  if (amount === null) return { count: count + 1, amounts, ownTrouble };
  const { currency } = amount;
  const sum = (amounts.get(currency) ?? 0n) + amount.amount;
  return { count: count + 1, amounts: new Map(amounts).set(currency, sum), ownTrouble };
}

/** Whether one more refund is within the budget, which it may use up to the last. */
export function isWithin(
  { countMax, amountMax }: Pick<BudgetRules, 'countMax' | 'amountMax'>,
  spent: Spent,
  amount: Money | null,
): boolean {
  const { count, amounts } = afterRefund(spent, amount);
  if (countMax !== null && count > countMax) return false;
  const max = amount === null ? undefined : amountMax.get(amount.currency);
  return max === undefined || amounts.get(amount!.currency)! <= max;
}

/** Who asks for a refund that nobody asks for by hand. */
export const requestedByItself = 'reconciliation';

/** The budget is about these alone. */
export function isAutomaticRefund(event: SlipEvent): boolean {
  if (event.type !== 'RefundRequested') return false;
  const { requestedBy, reason = null } = event.data;
  return requestedBy === requestedByItself && reason === null;
}
