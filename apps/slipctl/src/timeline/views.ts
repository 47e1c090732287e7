import type { Instant } from '@slipstream/kernel';

/** A slip as the ledger shows it (ARCHITECTURE section 7). */
export interface SlipView {
  readonly id: string;
  readonly reference: string | null;
  readonly kind: string | null;
  readonly account: string | null;
  readonly counterparty: string | null;
  readonly amount: AmountView | null;
  readonly provider: string | null;
  readonly clock: string;
  readonly status: string;
  readonly outcome: string | null;
  readonly case: { readonly status: string; readonly opened_at: Instant } | null;
  readonly cause: CauseView | null;
  readonly submitted_at: Instant | null;
  readonly returned_at: Instant | null;
  readonly deadline: Instant | null;
  readonly overdue: boolean;
}

export interface AmountView {
  readonly amount: string;
  readonly currency: string;
}

export interface CauseView {
  readonly class: string;
  readonly code: string;
  readonly confidence: number;
  readonly summary: string;
  readonly remedy: string;
  readonly evidence: readonly string[];
}

/** An event as the ledger shows it; `data` is null when the ledger does not know its type. */
export interface EventView {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly sequence: number;
  readonly version: number;
  readonly time: Instant;
  readonly received_time?: Instant;
  readonly data: Readonly<Record<string, unknown>> | null;
}
