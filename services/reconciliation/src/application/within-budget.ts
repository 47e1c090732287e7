import type { Money } from '@slipstream/kernel';
import { afterRefund, type BudgetRules, isWithin, type Spent } from '../domain/repair/budget.ts';
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
  let wanted = 0;
  const changes = decide({ take: () => ++wanted > 0 });
  if (wanted === 0) return changes;
  const till = new Till(rules, await unit.spent());
  const within = decide(till);
  unit.spend(till.taken);
  return within;
}

class Till implements Allowance {
  readonly taken: (Money | null)[] = [];
  readonly #rules: BudgetRules;
  #spent: Spent;

  constructor(rules: BudgetRules, spent: Spent) {
    this.#rules = rules;
    this.#spent = spent;
  }

  take(amount: Money | null): boolean {
    if (!isWithin(this.#rules, this.#spent, amount)) return false;
    this.#spent = afterRefund(this.#spent, amount);
    this.taken.push(amount);
    return true;
  }
}
