import { showAmount } from '../output/show-amount.ts';
import { showTime } from '../output/show-time.ts';
import { table } from '../output/table.ts';
import type { SlipView } from '../timeline/views.ts';

const header = [
  'slip',
  'reference',
  'status',
  'amount',
  'provider',
  'submitted',
  'deadline',
  'case',
  'cause',
];

export function slipTable(slips: readonly SlipView[]): string {
  if (slips.length === 0) return 'no slips';
  const rows = slips.map((slip) => [
    slip.id,
    slip.reference ?? '-',
    slip.overdue && slip.status !== 'overdue' ? `${slip.status}, overdue` : slip.status,
    slip.amount ? showAmount(slip.amount) : '-',
    slip.provider ?? '-',
    slip.submitted_at ? showTime(slip.submitted_at) : '-',
    slip.deadline ? showTime(slip.deadline) : '-',
    slip.case?.status ?? '-',
    slip.cause ? `${slip.cause.class}/${slip.cause.code}` : '-',
  ]);
  return table([header, ...rows]);
}
