import type { CaseFilter } from '../../application/reads.ts';

/** Which cases `case_file c` a filter means, by the nine parameters of {@link caseParameters}. */
export const caseCondition = `($1::text is null or c.status = $1)
   and ($2::text is null or c.cause_class = $2 or c.cause_code = $2)
   and ($3::text is null or c.provider = $3) and ($4::text is null or c.assignee = $4)
   and ($5::text is null or $5 = any(c.reason_codes))
   and ($6::boolean is null or (c.assignee is null) = $6)
   and ($7::boolean is null or (c.escalated_at is not null) = $7)
   and ($8::int is null or c.opened_at <= clock_timestamp() - make_interval(secs => $8))
   and ($9::text is null or exists (select 1 from missed_slip m where m.slip_id = c.slip_id and m.incident = $9))`;

export function caseParameters(filter: CaseFilter): unknown[] {
  const { status, cause, provider, assignee, reason, unassigned, escalated, minAgeS, incident } = filter;
  return [status, cause, provider, assignee, reason, unassigned, escalated, minAgeS, incident];
}
