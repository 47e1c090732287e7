import { readEnvelope } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from '@slipstream/postgres';
import { initialState } from '@slipstream/slip';
import type {
  LedgerQueries,
  LoggedEvent,
  NotReturnedGrouping,
  SlipFilter,
  SlipView,
} from '../../application/queries.ts';
import { type Keyset, readPage } from './keyset.ts';
import { settledSince, underWay, usualStatuses } from './slip-rows.ts';
import { type Stand, type StateRow, standsOf, stateColumns } from './slip-states.ts';
import { transactions } from './transactions.ts';

interface SlipRow extends StateRow {
  clock: string;
  partition: number;
  listed_at: Instant;
}

interface EventRow {
  version: string;
  bytes: Buffer;
}

const slipSql = `select id, clock, partition, listed_at, ${stateColumns} from slip`;
/** Of a slip under way. */
const statusNow = `coalesce((select e.status from event_log e where e.slip_id = slip.id and e.version > slip.version
  order by e.version desc limit 1), slip.status)`;
const eventSql = 'select version, bytes from event_log';
const accountSql = `
select currency, coalesce(sum(balance) filter (where kind = 'available'), 0)::text as available,
       coalesce(sum(balance) filter (where kind = 'held'), 0)::text as held
from account where owner = $1 and clock = $2 and kind in ('available', 'held') group by currency order by currency`;

const groupings: Readonly<Record<NotReturnedGrouping, string>> = {
  provider: 'provider',
  cause: 'cause_code',
  hour: `to_char(date_trunc('hour', deadline), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
};

const notReturnedSql = (key: string) => `
with counted as (
  select ${key} as key, currency, count(*) as slips, sum(amount) as amount
  from slip where clock = $1 and not_returned group by 1, 2
)
select key, sum(slips)::int as slips,
       json_agg(json_build_object('amount', amount::text, 'currency', currency) order by currency)
         filter (where amount is not null) as amounts
from counted group by key order by slips desc, key limit 1000`;

/** The read side over the views; `waitFor` comes from elsewhere because it waits. */
export function ledgerQueries(unitOfWork: UnitOfWork, waitFor: LedgerQueries['waitFor']): LedgerQueries {
  return {
    waitFor,
    slips: (filter, order, page) =>
      atOneMoment(unitOfWork, async (tx) => {
        const { items, ...ends } = await readPage(tx, slipKeyset(filter, order), page);
        return { items: await toViews(tx, items), ...ends };
      }),
    slip: (id) =>
      atOneMoment(unitOfWork, async (tx) => {
        const rows = await tx.query<SlipRow>(`${slipSql} where id = $1`, [id]);
        const [view] = await toViews(tx, rows);
        return view ?? null;
      }),
    async events(slipId, page) {
      const found = await readPage(unitOfWork, eventKeyset(slipId), page);
      if (found.items.length > 0) return found;
      const [known] = await unitOfWork.query('select 1 from slip where id = $1', [slipId]);
      return known ? found : null;
    },
    async account(id, clock) {
      const rows = await unitOfWork.query<{ currency: string; available: string; held: string }>(accountSql, [
        id,
        clock,
      ]);
      return rows.map(({ currency, available, held }) => ({
        currency,
        available: BigInt(available),
        held: BigInt(held),
      }));
    },
    transactions: (filter, page) => transactions(unitOfWork, filter, page),
    async notReturned(clock, grouping) {
      const rows = await unitOfWork.query<{
        key: string | null;
        slips: number;
        amounts: { amount: string; currency: string }[] | null;
      }>(notReturnedSql(groupings[grouping]), [clock]);
      return rows.map(({ key, slips, amounts }) => ({
        key,
        slips,
        amounts: (amounts ?? []).map(({ amount, currency }) => ({ amount: BigInt(amount), currency })),
      }));
    },
  };
}

function slipKeyset(filter: SlipFilter, order: 'asc' | 'desc'): Keyset<SlipRow, SlipRow> {
  const conditions: string[] = [];
  const parameters: unknown[] = [];
  const add = (value: unknown, condition: (place: string) => string) => {
    if (value === undefined) return;
    parameters.push(value);
    conditions.push(condition(`$${parameters.length}`));
  };
  for (const column of ['clock', 'reference', 'account', 'provider', 'kind'] as const) {
    add(filter[column], (place) => `${column} = ${place}`);
  }
  const { status, outcome } = filter;
  const settled = outcome === 'succeeded' ? ` or ${settledSince}` : '';
  add(outcome, (place) => `(outcome = ${place}${settled})`);
  if (status !== undefined && underWay.has(status)) {
    add([...underWay], (place) => `status = any(${place})`);
    add(status, (place) => `${statusNow} = ${place}`);
  } else add(status, (place) => `${usualStatuses.has(status!) ? 'status' : 'rare_status'} = ${place}`);
  add(filter.cause, (place) => `(cause_class = ${place} or cause_code = ${place})`);
  add(filter.submittedFrom, (place) => `listed_at >= ${place}`);
  add(filter.submittedTo, (place) => `listed_at < ${place}`);
  return {
    select: slipSql,
    conditions,
    parameters,
    keys: [
      { column: 'listed_at', type: 'timestamptz' },
      { column: 'id', type: 'text' },
    ],
    order,
    toItem: (row) => row,
    keyOf: (row) => [row.listed_at, row.id],
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

/** What is logged has an envelope: a record without one is no event of a slip. */
function toLogged({ version, bytes }: EventRow, slipId: string): LoggedEvent {
  const { id, type, source, sequence, time, receivedTime } = readEnvelope(bytes);
  return {
    ...{ id, type, slipId, source, sequence, bytes },
    version: Number(version),
    time: time as Instant,
    receivedTime: (receivedTime === '' ? time : receivedTime) as Instant,
  };
}

/** All that is read is of one moment: the log may be ahead of the rows, and both go on meanwhile. */
function atOneMoment<T>(unitOfWork: UnitOfWork, read: (tx: Tx) => Promise<T>): Promise<T> {
  return unitOfWork.run(async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only');
    return read(tx);
  });
}

async function toViews(tx: Tx, rows: readonly SlipRow[]): Promise<SlipView[]> {
  const stands = await standsOf(tx, rows);
  return rows.map((row) => toView(row, stands.get(row.id)!));
}

/** A slip of which no event could be read is shown as `submitted`. */
function toView({ id, clock, partition }: SlipRow, { state, version, position }: Stand): SlipView {
  return { state: state ?? initialState(id, clock), version, partition, offset: position };
}
