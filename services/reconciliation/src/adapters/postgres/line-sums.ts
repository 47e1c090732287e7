import type { UnitOfWork } from '@slipstream/postgres';
import type { BreakType } from '../../domain/statement/breaks.ts';
import type { DaySums } from '../../domain/statement/bridge.ts';
import type { Day } from '../../domain/statement/statement.ts';

const sumsSql = `
select statement_id, account, currency, booked_on::text as day,
  coalesce(sum(ours) filter (where kind in ('payment', 'return')), 0)::text as movements,
  (coalesce(sum(fee) filter (where kind in ('payment', 'return')), 0) + coalesce(sum(amount) filter (where kind = 'fee'), 0))::text as fees,
  coalesce(sum(amount) filter (where kind = 'transfer'), 0)::text as transfers,
  coalesce(sum(amount) filter (where kind = 'conversion'), 0)::text as conversions
  from statement_line where statement_id = any($1::uuid[]) and booked_on <= $2::date
 group by statement_id, account, currency, booked_on`;

const namedSql = `
select l.statement_id, l.account, l.currency, l.booked_on::text as day, k.kind as type, count(*)::int as count,
  sum(k.difference)::text as amount
  from statement_break k join statement_line l on l.statement_id = k.statement_id and l.n = k.n
 where k.statement_id = any($1::uuid[]) and l.booked_on <= $2::date
 group by l.statement_id, l.account, l.currency, l.booked_on, k.kind`;

interface Key {
  readonly statement_id: string;
  readonly account: number;
  readonly currency: string;
  readonly day: Day;
}

interface SumRow extends Key {
  readonly movements: string;
  readonly fees: string;
  readonly transfers: string;
  readonly conversions: string;
}

interface NamedRow extends Key {
  readonly type: BreakType;
  readonly count: number;
  readonly amount: string;
}

/** What the lines of one day come to, of one account and currency of a file. */
export interface LineSums {
  readonly statementId: string;
  /** Which of the file's statements. */
  readonly account: number;
  readonly currency: string;
  readonly sums: DaySums;
}

/** Of the lines of these files that are booked up to a day. */
export async function lineSums(
  unitOfWork: Pick<UnitOfWork, 'query'>,
  statements: readonly string[],
  through: Day | 'infinity',
): Promise<readonly LineSums[]> {
  const rows = await unitOfWork.query<SumRow>(sumsSql, [statements, through]);
  const breaks = Map.groupBy(await unitOfWork.query<NamedRow>(namedSql, [statements, through]), keyOf);
  return rows.map((row) => {
    const named = (breaks.get(keyOf(row)) ?? []).map(
      ({ type, count, amount }) => [type, { count, amount: BigInt(amount) }] as const,
    );
    return {
      ...{ statementId: row.statement_id, account: row.account, currency: row.currency },
      sums: {
        ...{ day: row.day, movements: BigInt(row.movements), fees: BigInt(row.fees) },
        ...{ transfers: BigInt(row.transfers), conversions: BigInt(row.conversions) },
        breaks: new Map(named),
      },
    };
  });
}

const keyOf = ({ statement_id, account, currency, day }: Key) =>
  `${statement_id} ${account} ${currency} ${day}`;
