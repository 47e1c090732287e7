import type { Money } from '@slipstream/kernel';
import type { SlipKind } from '@slipstream/slip';

/**
 * `held` ends once: `settled` or `refunded`. `compensated`: the provider executed after the refund.
 * `refused`: there was not enough money; nothing more is decided about the slip.
 */
export type HoldStatus = 'held' | 'refused' | 'settled' | 'refunded' | 'compensated';

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
}
