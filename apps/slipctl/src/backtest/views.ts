import type { Instant } from '@slipstream/kernel';
import type { Changed } from '../rules/plain-rules.ts';

/** What reconciliation's program says of a backtest, as far as it is read here, and what it does not judge. */
export interface BacktestView {
  readonly digest: string;
  readonly records: number;
  readonly routes: readonly RouteView[];
  readonly unknownRules: number;
  readonly unknownRoutes: number;
  readonly verdictsDiffer: number;
  /** That would have come, and that came. */
  readonly warnings: readonly WarningView[];
  readonly warned: readonly WarningView[];
  readonly circuits: readonly CircuitView[];
  /** Settings that differ, and of which nothing here says anything. */
  readonly notJudged: readonly Changed[];
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

/** Of a provider's dispatch calls. */
export interface CircuitView {
  readonly provider: string;
  readonly calls: number;
  readonly failed: number;
  readonly wasOpenMs: number;
  readonly wouldOpenMs: number;
  readonly was: CircuitSumsView;
  readonly would: CircuitSumsView;
  readonly madeWhileOpen: number;
  readonly assumed: number;
}

export interface CircuitSumsView {
  readonly opened: number;
  readonly openMs: number;
  readonly refused: number;
}

export interface WarningView {
  readonly provider: string;
  readonly route: string;
  readonly foundAt: Instant;
  readonly firstDeadline: Instant;
}
