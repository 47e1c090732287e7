import { showAmount } from '../output/show-amount.ts';
import { showTime } from '../output/show-time.ts';
import { table } from '../output/table.ts';
import type { DecisionPreviewView, DecisionView, MoneyView } from './views.ts';

const moneyHeader = ['slip', 'origin', 'account', 'provider', 'amount', 'since', 'decision'];

export function moneyTable(money: readonly MoneyView[]): string {
  if (money.length === 0) return 'no money waits for people';
  const rows = money.map(({ slip_id, origin, account, provider, amount, since, decision }) => [
    ...[slip_id, origin, account, provider, showAmount(amount), showTime(since)],
    decision === null
      ? '-'
      : `${decision.decision} ${decision.status} by ${decision.proposed_by} (${decision.id})`,
  ]);
  return table([moneyHeader, ...rows]);
}

const decisionHeader = [
  ...['decision', 'slip', 'what', 'status', 'proposed by', 'at', 'why', 'decided by', 'note', 'transaction'],
];

export function decisionTable(decisions: readonly DecisionView[]): string {
  if (decisions.length === 0) return 'nobody has proposed anything';
  const rows = decisions.map(
    ({ id, slip_id, decision, status, proposed_by, proposed_at, reason, ...rest }) => [
      ...[id, slip_id, decision, status, proposed_by, showTime(proposed_at), reason],
      ...[rest.decided_by ?? '-', rest.note ?? '-', rest.transaction_id ?? '-'],
    ],
  );
  return table([decisionHeader, ...rows]);
}

export function postingTable({ postings }: DecisionPreviewView): string {
  const rows = postings.map(({ account, direction, amount }) => [account, direction, showAmount(amount)]);
  return table([['account', 'direction', 'amount'], ...rows]);
}
