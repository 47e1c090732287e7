import { showTime } from '../output/show-time.ts';
import { table } from '../output/table.ts';

/** A case as reconciliation lists it. */
export interface CaseView {
  readonly slip_id: string;
  readonly status: string;
  readonly reason: string;
  readonly summary: string;
  readonly provider: string | null;
  readonly opened_at: string;
  readonly closed_at: string | null;
  readonly cause: { readonly class: string; readonly code: string; readonly summary: string } | null;
}

const header = ['slip', 'status', 'opened', 'reason', 'provider', 'cause', 'what happened'];

export function caseTable(cases: readonly CaseView[]): string {
  if (cases.length === 0) return 'no cases';
  const rows = cases.map(({ slip_id, status, opened_at, reason, provider, cause, summary }) => [
    ...[slip_id, status, showTime(opened_at), reason, provider ?? '-'],
    cause ? `${cause.class}/${cause.code}` : '-',
    cause?.summary ?? summary,
  ]);
  return table([header, ...rows]);
}
