import { showAmount } from '../output/show-amount.ts';
import { showTime } from '../output/show-time.ts';
import { table } from '../output/table.ts';
import type { AmountView } from '../timeline/views.ts';

/** An incident as reconciliation lists it, as far as it is read here. */
export interface IncidentView {
  readonly id: string;
  readonly status: string;
  /** null: the trouble is our own. */
  readonly provider: string | null;
  readonly since: string;
  readonly until: string;
  readonly closed_at: string | null;
  readonly causes: readonly { readonly class: string; readonly code: string; readonly slips: number }[];
  readonly counts: { readonly slips: number; readonly open: number; readonly open_cases: number };
  readonly held_amount: readonly AmountView[];
}

const header = ['incident', 'whose', 'status', 'since', 'slips', 'open', 'cases', 'held', 'most are'];

export function incidentTable(incidents: readonly IncidentView[]): string {
  if (incidents.length === 0) return 'no incidents';
  const rows = incidents.map(({ id, status, provider, since, causes, counts, held_amount }) => {
    const [most] = causes.toSorted((a, b) => b.slips - a.slips);
    const { slips, open, open_cases } = counts;
    return [
      ...[id, provider ?? 'ours', status, showTime(since), `${slips}`, `${open}`, `${open_cases}`],
      held_amount.map(showAmount).join(', ') || '-',
      most ? `${most.class}/${most.code}` : '-',
    ];
  });
  return table([header, ...rows]);
}
