import type { UnitOfWork } from '@slipstream/postgres';
import type { LedgerQueries, LoggedEvent, NotReturnedGrouping } from '../../application/queries.ts';
import { accountBalances } from './account-balances.ts';
import { accountList } from './account-list.ts';
import { atOneMoment } from './at-one-moment.ts';
import { eventPage } from './event-list.ts';
import { type Keyset, readPage } from './keyset.ts';
import { logAfter, logStart } from './log-after.ts';
import { type EventRow, toLogged } from './logged-events.ts';
import { conditionsOf, type Place } from './slip-filter.ts';
import { slipLetters } from './slip-letters.ts';
import { slipPage } from './slip-list.ts';
import { type SlipRow, slipColumns, toViews, viewAt } from './slip-views.ts';
import { statistics } from './statistics.ts';
import { transactions } from './transactions.ts';

const slipSql = `select ${slipColumns} from slip`;
const eventSql = 'select version, bytes from event_log';
const groupings: Readonly<Record<NotReturnedGrouping, string>> = {
  provider: 'provider',
  cause: 'cause_code',
  hour: `to_char(date_trunc('hour', deadline), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
};

const notReturnedSql = (key: string, conditions: string) => `
with counted as (
  select ${key} as key, currency, count(*) as slips, sum(amount) as amount
  from slip where not_returned and ${conditions} group by 1, 2
)
select key, sum(slips)::int as slips,
       json_agg(json_build_object('amount', amount::text, 'currency', currency) order by currency)
         filter (where amount is not null) as amounts
from counted group by key order by slips desc, key limit 1000`;

/** The read side over the views; what waits comes from elsewhere. */
export function ledgerQueries(
  unitOfWork: UnitOfWork,
  waits: Pick<LedgerQueries, 'waitFor' | 'logMoved'>,
): LedgerQueries {
  return {
    ...waits,
    statistics: (filter, grouping) => statistics(unitOfWork, filter, grouping),
    logStart: (filter) => logStart(unitOfWork, filter),
    logAfter: (filter, from) => logAfter(unitOfWork, filter, from),
    slips: (filter, order, page) => atOneMoment(unitOfWork, (tx) => slipPage(tx, filter, order, page)),
    slip: (id, at) =>
      atOneMoment(unitOfWork, async (tx) => {
        const rows = await tx.query<SlipRow>(`${slipSql} where id = $1`, [id]);
        if (at !== undefined) return viewAt(tx, rows, at);
        const [view] = await toViews(tx, rows);
        return view ?? null;
      }),
    deadLetters: (slipId) => slipLetters(unitOfWork, slipId),
    events: (slipId, page) => readPage(unitOfWork, eventKeyset(slipId), page),
    log: (filter, page) => atOneMoment(unitOfWork, (tx) => eventPage(tx, filter, page)),
    account: (id, clock, at) => accountBalances(unitOfWork, id, clock, at),
    accounts: (filter, page) => accountList(unitOfWork, filter, page),
    transactions: (filter, page) => transactions(unitOfWork, filter, page),
    async notReturned(filter, grouping) {
      const parameters: unknown[] = [];
      const place: Place = (value) => `$${parameters.push(value)}`;
      const conditions = [`slip.clock = ${place(filter.clock)}`, ...conditionsOf(filter, place)];
      const rows = await unitOfWork.query<{
        key: string | null;
        slips: number;
        amounts: { amount: string; currency: string }[] | null;
      }>(notReturnedSql(groupings[grouping], conditions.join(' and ')), parameters);
      return rows.map(({ key, slips, amounts }) => ({
        key,
        slips,
        amounts: (amounts ?? []).map(({ amount, currency }) => ({ amount: BigInt(amount), currency })),
      }));
    },
  };
}

function eventKeyset(slipId: string): Keyset<EventRow, LoggedEvent> {
  return {
    select: eventSql,
    conditions: ['slip_id = $1'],
    parameters: [slipId],
    keys: [{ column: 'version', type: 'bigint' }],
    order: 'asc',
    toItem: (row) => toLogged(row, slipId),
    keyOf: (row) => [row.version],
  };
}
