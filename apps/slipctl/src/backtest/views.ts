import type { Instant } from '@slipstream/kernel';

/** What reconciliation's program says of a backtest, as far as it is read here. */
export interface BacktestView {
  readonly digest: string;
  readonly records: number;
  readonly routes: readonly RouteView[];
  readonly unknownRules: number;
  readonly verdictsDiffer: number;
  /** That would have come, and that came. */
  readonly warnings: readonly WarningView[];
  readonly warned: readonly WarningView[];
}

export interface RouteView {
  readonly route: string;
  readonly slips: number;
  readonly changed: number;
  readonly open: number;
  readonly assumed: number;
  readonly was: SumsView;
  readonly would: SumsView;
  readonly refunds: {
    readonly onlyWas: number;
    readonly onlyWould: number;
    readonly same: number;
    readonly earlier: number;
    readonly later: number;
    readonly earlierMsMedian: number | null;
    readonly laterMsMedian: number | null;
  };
}

export interface SumsView {
  readonly overdue: number;
  readonly answeredLater: number;
  readonly inquiries: number;
  readonly refunds: number;
  readonly refundsContradicted: number;
  readonly notReturned: number;
  readonly cases: number;
}

export interface WarningView {
  readonly provider: string;
  readonly route: string;
  readonly foundAt: Instant;
  readonly firstDeadline: Instant;
}
