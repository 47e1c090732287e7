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

/** A slip of an incident, as far as it is read here. */
export interface IncidentSlipView {
  readonly slip_id: string;
  readonly provider: string | null;
  readonly amount: AmountView | null;
  readonly deadline: string;
  readonly cause: { readonly class: string; readonly code: string } | null;
  /** `waiting`: its deadline cannot be judged yet. */
  readonly fate: string;
  readonly has_open_case: boolean;
}

const slipHeader = ['slip', 'provider', 'amount', 'deadline', 'fate', 'case', 'cause'];

export function incidentSlipTable(slips: readonly IncidentSlipView[]): string {
  if (slips.length === 0) return 'no slips';
  const rows = slips.map(({ slip_id, provider, amount, deadline, fate, has_open_case, cause }) => [
    ...[slip_id, provider ?? '-', amount ? showAmount(amount) : '-', showTime(deadline), fate],
    ...[has_open_case ? 'open' : '-', cause ? `${cause.class}/${cause.code}` : '-'],
  ]);
  return table([slipHeader, ...rows]);
}
