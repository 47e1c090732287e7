import type { Money } from '@slipstream/kernel';
import type { WithheldReason } from '../domain/case/reasons.ts';
import { afterRefund, type BudgetRules, isWithin, type Refund, type Spent } from '../domain/repair/budget.ts';
import { isBulk } from '../domain/repair/own-trouble.ts';
import type { Change } from './advance.ts';
import type { Allowance } from './allowance.ts';
import type { Unit } from './ports.ts';

/**
 * Decides within the repair budget, exactly, however many instances decide at once: what others took is read under a lock
 * that this transaction keeps. Almost no batch has a refund, and the budget is a lock for all partitions, so it is decided
 * freely first; when that gives refunds, once more with what is left. `decide` must do nothing but decide.
 */
export async function withinBudget(
  unit: Pick<Unit, 'spent' | 'spend'>,
  rules: BudgetRules,
  decide: (allowance: Allowance) => readonly Change[],
): Promise<readonly Change[]> {
  const wanted: Refund[] = [];
  const changes = decide({
    take: (refund) => {
      wanted.push(refund);
      return null;
    },
  });
  if (wanted.length === 0) return changes;
  const spent = await unit.spent();
  const own = wanted.filter(({ isOwnTrouble }) => isOwnTrouble).length;
  const till = new Till(rules, spent, isBulk(spent.ownTrouble + own, rules.ownTroubleMax));
  const within = decide(till);
  unit.spend(till.taken, own);
  return within;
}

class Till implements Allowance {
  readonly taken: (Money | null)[] = [];
  readonly #rules: BudgetRules;
  /** All of our own trouble in this batch waits together, the first as the last. */
  readonly #isBulk: boolean;
  #spent: Spent;

  constructor(rules: BudgetRules, spent: Spent, isBulk: boolean) {
    this.#rules = rules;
    this.#spent = spent;
    this.#isBulk = isBulk;
  }

  take({ amount, isOwnTrouble }: Refund): WithheldReason | null {
    if (isOwnTrouble && this.#isBulk) return 'own_trouble';
    if (!isWithin(this.#rules, this.#spent, amount)) return 'repair_budget';
    this.#spent = afterRefund(this.#spent, amount);
    this.taken.push(amount);
    return null;
  }
}
