import type { WithheldReason } from '../domain/case/reasons.ts';
import type { Refund } from '../domain/repair/budget.ts';

/** Says of each refund that nobody asked for whether it may go on. */
export interface Allowance {
  /** Why it waits for people; null: it goes on, and is taken off what is left. */
  take(refund: Refund): WithheldReason | null;
}

/** Where no budget is asked. */
export const freely: Allowance = { take: () => null };
