import type { Tx } from '@slipstream/postgres';
import type { CaseReason, SlipCase, SlipEvent } from '@slipstream/slip';
import type { Change } from '../../application/advance.ts';

const saveCasesSql = `
insert into case_file (slip_id, status, reason, summary, opened_at, resolution, closed_at, reasons, provider, cause,
  cause_class, cause_code, partition, reason_codes, assignee, escalated_at, version)
select c.slip_id, c.status, c.reason, c.summary, c.opened_at, c.resolution, c.closed_at, c.reasons::json, c.provider,
       c.cause::json, c.cause::json ->> 'class', c.cause::json ->> 'code', c.partition,
       array(select r ->> 'reason' from json_array_elements(c.reasons::json) as r), c.assignee, c.escalated_at, c.steps
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::timestamptz[],
    $8::text[], $9::text[], $10::text[], $11::int[], $12::text[], $13::timestamptz[], $14::int[])
    as c(slip_id, status, reason, summary, opened_at, resolution, closed_at, reasons, provider, cause, partition, assignee,
      escalated_at, steps)
on conflict (slip_id) do update set
  status = excluded.status, reason = excluded.reason, summary = excluded.summary, opened_at = excluded.opened_at,
  resolution = excluded.resolution, closed_at = excluded.closed_at, reasons = excluded.reasons,
  provider = excluded.provider, cause = excluded.cause, cause_class = excluded.cause_class,
  cause_code = excluded.cause_code, partition = excluded.partition, reason_codes = excluded.reason_codes,
  assignee = excluded.assignee, escalated_at = excluded.escalated_at, version = case_file.version + excluded.version`;

const shown: ReadonlySet<SlipEvent['type']> = new Set([
  ...(['CaseOpened', 'CaseClosed', 'CaseNoted', 'CaseAssigned'] as const),
  ...(['SlipDiagnosed', 'InquiryRequested', 'RefundRequested'] as const),
]);

/**
 * Writes what was decided about cases: all that people see of a case is in the slip's state.
 * @param together whether each slip's events were decided at once; of events that are folded back nobody knows, so each counts as one
 *   version, and none that people saw comes again for something else
 */
export async function saveCases(tx: Tx, changes: readonly Change[], together: boolean): Promise<void> {
  const files = changes.flatMap(({ slip: { state, partition }, events }) => {
    const seen = events.filter(({ event }) => shown.has(event.type)).length;
    if (state.case === null || seen === 0) return [];
    return [{ state, partition, file: state.case, named: namedOf(state.case), steps: together ? 1 : seen }];
  });
  if (files.length === 0) return;
  tx.send(saveCasesSql, [
    files.map(({ state }) => state.slipId),
    files.map(({ file }) => file.status),
    files.map(({ named }) => named.reason),
    files.map(({ named }) => named.summary),
    files.map(({ named }) => named.openedAt),
    files.map(({ named }) => named.resolution),
    files.map(({ named }) => named.closedAt),
    files.map(({ file }) => JSON.stringify(file.reasons)),
    files.map(({ state }) => state.provider),
    files.map(({ state }) => state.cause && JSON.stringify(state.cause)),
    files.map(({ partition }) => partition),
    files.map(({ file }) => file.assignee),
    files.map(({ file }) => file.escalatedAt),
    files.map(({ steps }) => steps),
  ]);
}

/** The reason that the case is named after. */
function namedOf({ reason, reasons }: SlipCase): CaseReason {
  return reasons.find((one) => one.reason === reason)!;
}
