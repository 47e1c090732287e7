import type { UnitOfWork } from '@slipstream/postgres';
import type { CaseCounts } from '../../application/reads.ts';

const reasonsSql = `
select r ->> 'reason' as reason, count(*)::int as n
  from case_file c, json_array_elements(c.reasons) as r
 where c.status = 'open' and r ->> 'resolution' is null group by 1`;

const ageSql = `
select count(*) filter (where escalated_at is not null)::int as escalated,
       coalesce(extract(epoch from clock_timestamp() - min(opened_at)), 0)::float8 as oldest_s
  from case_file where status = 'open'`;

export async function lookAtCases(unitOfWork: Pick<UnitOfWork, 'query'>): Promise<CaseCounts> {
  const reasons = await unitOfWork.query<{ reason: string; n: number }>(reasonsSql);
  const [age] = await unitOfWork.query<{ escalated: number; oldest_s: number }>(ageSql);
  return {
    open: new Map(reasons.map(({ reason, n }) => [reason, n])),
    ...{ escalated: age!.escalated, oldestS: age!.oldest_s },
  };
}
