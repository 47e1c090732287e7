import type { AmountView } from '../timeline/views.ts';

/** Money that waits for people, as the ledger lists it, as far as it is read here. */
export interface MoneyView {
  readonly slip_id: string;
  readonly origin: string;
  readonly account: string;
  readonly provider: string;
  readonly amount: AmountView;
  readonly since: string;
  readonly decision: Pick<DecisionView, 'id' | 'decision' | 'status' | 'proposed_by'> | null;
}

/** What somebody wants to become of it, and what came of that. */
export interface DecisionView {
  readonly id: string;
  readonly slip_id: string;
  readonly decision: string;
  readonly reason: string;
  readonly proposed_by: string;
  readonly proposed_at: string;
  readonly status: string;
  readonly decided_by: string | null;
  readonly note: string | null;
  readonly transaction_id: string | null;
}

/** What a decision would book. */
export interface DecisionPreviewView {
  readonly slip_id: string;
  readonly decision: string;
  readonly amount: AmountView;
  readonly postings: readonly {
    readonly account: string;
    readonly direction: string;
    readonly amount: AmountView;
  }[];
}
