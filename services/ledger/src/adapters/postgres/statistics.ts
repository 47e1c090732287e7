import { SlipstreamError } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import type { CountedGroup, SlipGrouping, StatisticsFilter } from '../../application/queries.ts';
import type { Place } from './slip-filter.ts';
import { isCounted } from './statistics-projection.ts';

const columnOf: Readonly<Record<SlipGrouping, string>> = {
  hour: `to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
  provider: 'provider',
  route: 'route',
  kind: 'kind',
  currency: 'currency',
  cause: 'cause',
};

/** Groups that are told; of hours the latest. */
const groupsMax = 1_000;

const sql = (key: string, conditions: string) => `
with counted as (
  select ${key} as key, currency, sum(slips) as slips, sum(dispatched) as dispatched, sum(returned) as returned, sum(overdue) as overdue,
         sum(not_returned) as not_returned, sum(refunded) as refunded, sum(amount) as amount, sum(dispatched_ms) as dispatched_ms,
         sum(returned_ms) as returned_ms
  from slip_hour where ${conditions} group by 1, 2
)
select key, sum(slips)::int as slips, sum(dispatched)::int as dispatched, sum(returned)::int as returned, sum(overdue)::int as overdue,
       sum(not_returned)::int as not_returned, sum(refunded)::int as refunded,
       round(sum(dispatched_ms) / nullif(sum(dispatched), 0))::float8 as dispatched_after_ms,
       round(sum(returned_ms) / nullif(sum(returned), 0))::float8 as returned_after_ms,
       json_agg(json_build_object('amount', amount::text, 'currency', currency) order by currency)
         filter (where currency <> '' and slips > 0) as amounts
from counted group by key having sum(slips) > 0 order by ${key === columnOf.hour ? 'key desc' : 'slips desc, key'} limit ${groupsMax}`;

interface Row {
  key: string;
  slips: number;
  dispatched: number;
  returned: number;
  overdue: number;
  not_returned: number;
  refunded: number;
  dispatched_after_ms: number | null;
  returned_after_ms: number | null;
  amounts: { amount: string; currency: string }[] | null;
}

/** @throws SlipstreamError unavailable while an upgraded ledger still counts */
export async function statistics(
  unitOfWork: UnitOfWork,
  filter: StatisticsFilter,
  grouping: SlipGrouping,
): Promise<readonly CountedGroup[]> {
  if (!(await isCounted(unitOfWork))) {
    throw new SlipstreamError('unavailable', 'The slips of before are still being counted.', {
      retryAfterS: 30,
    });
  }
  const parameters: unknown[] = [];
  const place: Place = (value) => `$${parameters.push(value)}`;
  const conditions = [`clock = ${place(filter.clock)}`];
  if (filter.from !== undefined) conditions.push(`hour >= ${place(filter.from)}::timestamptz`);
  if (filter.to !== undefined) conditions.push(`hour < ${place(filter.to)}::timestamptz`);
  for (const { field, values, isNot } of filter.terms) {
    const column = field === 'cause_code' ? 'cause' : field;
    const has = `${column} = any(${place(values)}::text[])`;
    conditions.push(isNot ? `not (${has})` : has);
  }
  const rows = await unitOfWork.query<Row>(sql(columnOf[grouping], conditions.join(' and ')), parameters);
  if (grouping === 'hour') rows.reverse();
  return rows.map(({ key, not_returned, dispatched_after_ms, returned_after_ms, amounts, ...numbers }) => ({
    ...numbers,
    key: key === '' ? null : key,
    notReturned: not_returned,
    dispatchedAfterMs: dispatched_after_ms,
    returnedAfterMs: returned_after_ms,
    amounts: (amounts ?? []).map(({ amount, currency }) => ({ amount: BigInt(amount), currency })),
  }));
}
