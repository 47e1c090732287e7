import { isExecuted, type Money, type Outcome, rfc3339, type TruthStore } from './truth.ts';

export interface StatementLine {
  readonly slip_id: string;
  readonly reference: string;
  readonly provider_id: string;
  readonly amount: Money | null;
  readonly outcome: Outcome;
  readonly executed_at: string;
}

/**
 * What one provider did on one UTC day (`YYYY-MM-DD`), a line per run whose outcome is known, in order of
 * execution: a slip executed twice has two lines. The amount is the one that moved, whatever answers claimed.
 */
export function statement(truth: TruthStore, provider: string, day: string, nowMs: number): StatementLine[] {
  const lines: StatementLine[] = [];
  for (const record of truth.records()) {
    if (record.provider !== provider) continue;
    for (const run of record.runs) {
      if (run.executesAtMs === null || !isExecuted(run, nowMs) || run.answersAtMs > nowMs) continue;
      const executedAt = rfc3339(run.executesAtMs);
      if (!executedAt.startsWith(day)) continue;
      lines.push({
        slip_id: record.slipId,
        reference: record.reference,
        provider_id: run.providerId,
        amount: record.amount,
        outcome: run.outcome,
        executed_at: executedAt,
      });
    }
  }
  return lines.sort((a, b) => (a.executed_at < b.executed_at ? -1 : a.executed_at > b.executed_at ? 1 : 0));
}
