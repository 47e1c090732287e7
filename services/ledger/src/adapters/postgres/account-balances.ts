import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { AccountBalance } from '../../application/queries.ts';
import { refuseFuture } from './moments.ts';

interface Row {
  currency: string;
  available: string;
  held: string;
  suspense: string;
}

const sumsOf = (rows: string, balance: string) => `
select currency, coalesce(sum(${balance}) filter (where kind = 'available'), 0)::text as available,
       coalesce(sum(${balance}) filter (where kind = 'held'), 0)::text as held,
       coalesce(sum(${balance}) filter (where kind = 'suspense'), 0)::text as suspense
from ${rows} where owner = $1 and clock = $2 and kind in ('available', 'held', 'suspense') group by currency order by currency`;

const nowSql = sumsOf('account', 'balance');

/** What was entered later is taken away again: of a busy account only what came since is looked at. */
const thenSql = sumsOf(
  `(
  select a.owner, a.clock, a.kind, a.currency, a.balance - coalesce(later.change, 0) as balance
  from account a, lateral (
    select sum(change) as change from (
      select -(e.amount::numeric + coalesce(e.rest, 0)) as change from entry e where e.debit = a.id and e.at > $3
      union all select e.amount from entry e where e.credit = a.id and e.at > $3
      union all select e.rest from entry e where e.rest_credit = a.id and e.at > $3) as changes) as later
  where a.owner = $1 and exists (
    select from entry e where e.debit = a.id and e.at <= $3
    union all select from entry e where e.credit = a.id and e.at <= $3
    union all select from entry e where e.rest_credit = a.id and e.at <= $3)) as account`,
  'balance',
);

/** @throws SlipstreamError malformed_request for a time that has not come */
export async function accountBalances(
  tx: Pick<Tx, 'query'>,
  id: string,
  clock: string,
  at: Instant | undefined,
): Promise<readonly AccountBalance[]> {
  if (at !== undefined) await refuseFuture(tx, at);
  const rows =
    at === undefined
      ? await tx.query<Row>(nowSql, [id, clock])
      : await tx.query<Row>(thenSql, [id, clock, at]);
  return rows.map(({ currency, available, held, suspense }) => ({
    currency,
    available: BigInt(available),
    held: BigInt(held),
    suspense: BigInt(suspense),
  }));
}
