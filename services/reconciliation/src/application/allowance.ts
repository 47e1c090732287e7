import type { Money } from '@slipstream/kernel';

/** Says of each refund that nobody asked for whether it may go on. */
export interface Allowance {
  /** True: it is taken off what is left. */
  take(amount: Money | null): boolean;
}

/** Where no budget is asked. */
export const freely: Allowance = { take: () => true };
