import { type Instant, SlipstreamError } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { AccountBalance } from '../../application/queries.ts';
import { refuseFuture } from './moments.ts';

interface Row {
  currency: string;
  available: string;
  held: string;
  suspense: string;
  is_too_much: boolean;
}

const sumsOf = (rows: string, balance: string, isTooMuch: string) => `
select currency, coalesce(sum(${balance}) filter (where kind = 'available'), 0)::text as available,
       coalesce(sum(${balance}) filter (where kind = 'held'), 0)::text as held,
       coalesce(sum(${balance}) filter (where kind = 'suspense'), 0)::text as suspense, bool_or(${isTooMuch}) as is_too_much
from ${rows} where owner = $1 and clock = $2 and kind in ('available', 'held', 'suspense') group by currency order by currency`;

const nowSql = sumsOf('account', 'balance', 'false');

/** What was entered later is taken away again: of a busy account only what came since is looked at, and so much of it at most. */
const later = (column: string, change: string) =>
  `(select ${change} as change from entry e where e.${column} = a.id and e.at > $3 limit $4 + 1)`;
const thenSql = sumsOf(
  `(
  select a.owner, a.clock, a.kind, a.currency, a.balance - coalesce(later.change, 0) as balance, later.entries
  from account a, lateral (
    select sum(change) as change, count(*) as entries from (
      ${later('debit', '-(e.amount::numeric + coalesce(e.rest, 0))')}
      union all ${later('credit', 'e.amount')}
      union all ${later('rest_credit', 'e.rest')}) as changes) as later
  where a.owner = $1 and exists (
    select from entry e where e.debit = a.id and e.at <= $3
    union all select from entry e where e.credit = a.id and e.at <= $3
    union all select from entry e where e.rest_credit = a.id and e.at <= $3)) as account`,
  'balance',
  'entries > $4',
);

/** Of an account in one partition. Beyond that a question takes longer than its readers may wait. */
const laterMax = 200_000;

/**
 * @param entriesMax that are looked at of an account in one partition
 * @throws SlipstreamError malformed_request for a time that has not come, or since when more was entered
 */
export async function accountBalances(
  tx: Pick<Tx, 'query'>,
  id: string,
  clock: string,
  at: Instant | undefined,
  entriesMax = laterMax,
): Promise<readonly AccountBalance[]> {
  if (at !== undefined) await refuseFuture(tx, at);
  const rows =
    at === undefined
      ? await tx.query<Row>(nowSql, [id, clock])
      : await tx.query<Row>(thenSql, [id, clock, at, entriesMax]);
  if (rows.some(({ is_too_much }) => is_too_much)) {
    throw new SlipstreamError('malformed_request', 'The query has parameters that cannot be used.', {
      errors: [
        { pointer: 'at', detail: 'so much was entered since that it cannot be told: take a later time' },
      ],
    });
  }
  return rows.map(({ currency, available, held, suspense }) => ({
    currency,
    available: BigInt(available),
    held: BigInt(held),
    suspense: BigInt(suspense),
  }));
}
