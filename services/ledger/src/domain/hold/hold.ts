import type { Money } from '@slipstream/kernel';
import type { SlipKind } from '@slipstream/slip';

/**
 * `held` ends once: `settled` or `refunded`. `compensated`: the provider executed after the refund. `reversed`: it denied what
 * was settled, so that is claimed from it and put aside; `restored`: a statement shows that the money came back, or people say so;
 * `upheld`: people say that the settlement stands. `written_off`: the payer has the money, and what was claimed for it never came.
 * `refused`: there was not enough money; nothing more is decided about the slip.
 */
export type HoldStatus =
  | 'held'
  | 'refused'
  | 'settled'
  | 'refunded'
  | 'compensated'
  | 'reversed'
  | 'restored'
  | 'upheld'
  | 'written_off';

/** What the ledger has decided about the money of a slip: the guard against deciding it again. */
export interface Hold {
  readonly slipId: string;
  readonly clock: string;
  readonly kind: SlipKind;
  readonly account: string;
  readonly counterparty: string;
  /** null: the slip has no amount, so nothing is ever posted. */
  readonly amount: Money | null;
  readonly status: HoldStatus;
  /** What the provider moved, as it is booked, and what has not come back of it in parts; in minor units. */
  readonly executed: bigint;
  /** The provider's own references of the parts that make it up; empty where nothing is left to be executed. */
  readonly references: readonly string[];
  /** Parts that came back, each by its day and amount, and which of equal ones it is: one that is told again is none. Absent: none did. */
  readonly partsBack?: readonly string[];
}

/** What was executed of a hold if it was all or nothing. */
export function wholly(status: HoldStatus, amount: Money | null): bigint {
  const isExecuted = status !== 'held' && status !== 'refused' && status !== 'refunded';
  return isExecuted && amount !== null ? amount.amount : 0n;
}

export function isWhole({ amount, status, executed }: Hold): boolean {
  return executed === wholly(status, amount);
}
