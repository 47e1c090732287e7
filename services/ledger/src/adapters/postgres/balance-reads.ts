import type { Instant } from '@slipstream/kernel';
import { columns, columnTypes, type UnitOfWork } from '@slipstream/postgres';
import type { BalanceReads } from '../../application/check-balances.ts';
import { type AccountKind, accountName } from '../../domain/posting/chart.ts';

const wanted = columns({ id: columnTypes.int8, since: columnTypes.timestamptz });

/** An index of the entries for each way in which they name an account. */
const sides = [
  ['debit', '-(e.amount::numeric + coalesce(e.rest, 0))'],
  ['credit', 'e.amount::numeric'],
  ['rest_credit', 'e.rest::numeric'],
] as const;
// Entries of one time are read together, or their account would go on behind some of them.
const first = 'order by at fetch first $LIMIT rows with ties';
const side = ([column, change]: (typeof sides)[number]) =>
  `(select e.at, ${change} as change from entry e where e.${column} = a.id and e.at > w.since ${first})`;

const foldSql = (entriesMax: number) =>
  `
select a.id::text, a.owner, a.kind, a.clock, a.currency, a.balance::text, coalesce(f.change, 0)::text as change,
       f.until, f.n::int as n
  from ${wanted.unnest('w')} join account a on a.id = w.id, lateral (
    select sum(t.change) as change, max(t.at) as until, count(*) as n from (
      select s.at, s.change from (${sides.map(side).join(' union all ')}) as s ${first}) as t) as f`.replaceAll(
    '$LIMIT',
    String(entriesMax),
  );

interface Row {
  id: string;
  owner: string;
  kind: AccountKind;
  clock: string;
  currency: string;
  balance: string;
  change: string;
  until: Instant | null;
  n: number;
}

const beginning: Instant = '0001-01-01T00:00:00.000000Z';

export function balanceReads(unitOfWork: UnitOfWork): BalanceReads {
  return {
    async accountsAfter(id, count) {
      // By the column, not by its text, which is named like it: 10 would stand before 9, and 9 would be passed over.
      const sql = 'select a.id::text from account a where a.id > $1 order by a.id limit $2';
      return (await unitOfWork.query<{ id: string }>(sql, [id.toString(), count])).map((row) =>
        BigInt(row.id),
      );
    },
    async fold(accounts, entriesMax) {
      const asked = accounts.map(({ id, since }) => ({ id, since: since ?? beginning }));
      const rows = await unitOfWork.query<Row>(foldSql(entriesMax), wanted.parameters(asked));
      return rows.map(({ id, owner, kind, clock, currency, balance, change, until, n }) => ({
        id: BigInt(id),
        name: `${accountName({ owner, kind })} ${currency} (${clock}, row ${id})`,
        ...{ balance: BigInt(balance), change: BigInt(change), until, isAll: n < entriesMax },
      }));
    },
  };
}
