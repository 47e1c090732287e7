import { showAmount } from '../output/show-amount.ts';
import { showTime } from '../output/show-time.ts';
import { table } from '../output/table.ts';

/** A statement as reconciliation lists it, as far as it is read here. */
export interface StatementView {
  readonly id: string;
  readonly source: string;
  readonly provider: string;
  readonly status: string;
  readonly lines: number;
  readonly booked_from: string | null;
  readonly booked_to: string | null;
  readonly accepted_at: string;
  /** Why it could not be matched; null: it could. */
  readonly problem: string | null;
  readonly breaks: { readonly open: number; readonly resolved: number };
}

const statementHeader = [
  ...['statement', 'source', 'provider', 'status', 'lines', 'booked', 'accepted', 'breaks open', 'resolved'],
  'problem',
];

export function statementTable(statements: readonly StatementView[]): string {
  if (statements.length === 0) return 'no statements';
  const rows = statements.map(
    ({ id, source, provider, status, lines, accepted_at, problem, breaks, ...booked }) => [
      ...[id, source, provider, status, `${lines}`, days(booked), showTime(accepted_at)],
      ...[`${breaks.open}`, `${breaks.resolved}`, problem ?? '-'],
    ],
  );
  return table([statementHeader, ...rows]);
}

function days({ booked_from, booked_to }: Pick<StatementView, 'booked_from' | 'booked_to'>): string {
  if (booked_from === null || booked_from === booked_to) return booked_from ?? '-';
  return `${booked_from} to ${booked_to}`;
}

/** A break as reconciliation lists it, as far as it is read here. */
export interface BreakView {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly provider: string;
  readonly slip_id: string | null;
  /** Signed minor units. */
  readonly difference: string;
  readonly currency: string;
  readonly expected: string;
  readonly seen: string;
  readonly opened_at: string;
}

const breakHeader = [
  ...['break', 'type', 'status', 'provider', 'slip', 'difference', 'opened', 'expected', 'seen'],
];

export function breakTable(breaks: readonly BreakView[]): string {
  if (breaks.length === 0) return 'no breaks';
  const rows = breaks.map(({ id, type, status, provider, slip_id, difference, currency, ...rest }) => [
    ...[id, type, status, provider, slip_id ?? '-', signed(difference, currency)],
    ...[showTime(rest.opened_at), rest.expected || '-', rest.seen || '-'],
  ]);
  return table([breakHeader, ...rows]);
}

function signed(amount: string, currency: string): string {
  const isNegative = amount.startsWith('-');
  const shown = showAmount({ amount: isNegative ? amount.slice(1) : amount, currency });
  return isNegative ? `-${shown}` : shown;
}
