import { readEnvelope } from '@slipstream/contracts';
import type { Instant, PageOf, PageRequest } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import type { Transaction } from '@slipstream/slip';
import type { BookedTransaction, TransactionFilter } from '../../application/queries.ts';
import { transactionId } from '../../digests.ts';
import { feeOf } from '../../domain/hold/decide.ts';
import { type AccountKind, accountName, parseAccountName } from '../../domain/posting/chart.ts';
import { postingsOf } from '../../domain/posting/entry.ts';
import { readInIndexOrder } from './in-index-order.ts';
import { type Bounds, type Keyset, readPage } from './keyset.ts';

interface Row {
  slip_id: string;
  n: number;
  id: string;
  type: Transaction['type'];
  at: Instant;
  clock: string;
  currency: string;
  amount: string;
  rest: string | null;
  debit_owner: string;
  debit_kind: AccountKind;
  credit_owner: string;
  credit_kind: AccountKind;
  rest_owner: string;
  rest_kind: AccountKind;
}

const selectFrom = (found: string) => `
select e.slip_id, e.n, e.id, e.type, e.at, e.amount, e.rest, d.clock, d.currency, d.owner as debit_owner, d.kind as debit_kind,
       c.owner as credit_owner, c.kind as credit_kind, r.owner as rest_owner, r.kind as rest_kind
from ${found} e
join account d on d.id = e.debit join account c on c.id = e.credit left join account r on r.id = e.rest_credit`;

/** The newest of each of the account's rows first, by its own index: a busy account is never read whole. */
const ofAccounts =
  (place: string) =>
  ({ condition, first }: Bounds) => {
    const by = (column: string) =>
      `(select e.* from entry e where e.${column} = a.id and ${condition} ${first})`;
    return selectFrom(`(
      select distinct found.* from unnest(${place}::bigint[]) as a(id),
        lateral (${['debit', 'credit', 'rest_credit'].map(by).join(' union all ')}) as found)`);
  };

const byTime = {
  keys: [
    { column: 'e.at', type: 'timestamptz' },
    { column: 'e.id', type: 'uuid' },
  ],
  keyOf: ({ at, id }: Row) => [at, id],
};
/** All there are have no index by their times. */
const bySlip = {
  keys: [
    { column: 'e.slip_id', type: 'text' },
    { column: 'e.n', type: 'smallint' },
  ],
  keyOf: ({ slip_id, n }: Row) => [slip_id, String(n)],
};

const accountsSql = `
select id::text from account where owner = $1 and clock = $2 and kind = any($3::text[])`;

export async function transactions(
  unitOfWork: UnitOfWork,
  { slip, account }: TransactionFilter,
  page: PageRequest,
): Promise<PageOf<BookedTransaction>> {
  const conditions: string[] = [];
  const parameters: unknown[] = [];
  if (slip !== undefined) {
    parameters.push(slip);
    conditions.push(`e.slip_id = $${parameters.length}`);
  }
  if (account !== undefined) parameters.push(await accountIds(unitOfWork, account.id, account.clock));
  const keyset: Keyset<Row, Row> = {
    select: account === undefined ? selectFrom('entry') : ofAccounts(`$${parameters.length}`),
    conditions,
    parameters,
    ...(slip === undefined && account === undefined ? bySlip : byTime),
    order: 'desc',
    toItem: (row) => row,
  };
  const { items, ...ends } = await unitOfWork.run((tx) => {
    readInIndexOrder(tx);
    return readPage(tx, keyset, page);
  });
  const causes = await causesOf(unitOfWork, items);
  return { items: items.map((row) => toTransaction(row, causes.get(row.id) ?? null)), ...ends };
}

const eventsSql = `
select bytes from event_log where slip_id = any($1::text[]) and version > $2 and version <= $3`;
/** Of a slip that are read at once: most lives have fewer, and what moves money comes early in those that have more. */
const eventsMin = 16;

/**
 * The ids of the events that transactions answer, by the ids of these, which are made from them. The logs of slips are read from
 * their beginning, twice as far each time, until all are found: a slip that was asked about for weeks has thousands of events.
 */
async function causesOf(unitOfWork: UnitOfWork, rows: readonly Row[]): Promise<Map<string, string>> {
  const causes = new Map<string, string>();
  for (let [after, until] = [0, eventsMin]; ; [after, until] = [until, 2 * until]) {
    const slips = new Set(rows.flatMap(({ id, slip_id }) => (causes.has(id) ? [] : [slip_id])));
    if (slips.size === 0) return causes;
    const logged = await unitOfWork.query<{ bytes: Buffer }>(eventsSql, [[...slips], after, until]);
    if (logged.length === 0) return causes;
    for (const { bytes } of logged) {
      const { id } = readEnvelope(bytes);
      for (const name of [id, feeOf(id)]) causes.set(transactionId(name), id);
    }
  }
}

/** An account that slips name goes before the full name of another that reads the same. */
async function accountIds(unitOfWork: UnitOfWork, id: string, clock: string): Promise<string[]> {
  const ask = async (owner: string, kinds: readonly AccountKind[]) =>
    (await unitOfWork.query<{ id: string }>(accountsSql, [owner, clock, kinds])).map((row) => row.id);
  const named = await ask(id, ['available', 'held', 'suspense']);
  if (named.length > 0) return named;
  const full = parseAccountName(id);
  return full === null ? [] : ask(full.owner, [full.kind]);
}

function toTransaction(row: Row, eventId: string | null): BookedTransaction {
  const { slip_id, id, type, at, clock, currency, amount, rest } = row;
  const postings = postingsOf({
    currency,
    debit: accountName({ owner: row.debit_owner, kind: row.debit_kind }),
    credit: accountName({ owner: row.credit_owner, kind: row.credit_kind }),
    amount: BigInt(amount),
    rest:
      rest === null
        ? null
        : { credit: accountName({ owner: row.rest_owner, kind: row.rest_kind }), amount: BigInt(rest) },
  });
  return { id, slipId: slip_id, type, clock, eventId, recordedAt: at, postings };
}
