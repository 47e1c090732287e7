import type { Tx } from '@slipstream/postgres';
import { Balances } from '../../../domain/posting/balances.ts';
import { type AccountKind, accountName, parseAccountName } from '../../../domain/posting/chart.ts';
import { Accounts } from '../accounts.ts';
import type { Difference, Projection } from './projection.ts';

interface Row {
  readonly clock: string;
  readonly owner: string;
  readonly kind: AccountKind;
  readonly currency: string;
  readonly partition: number;
  readonly live: string | null;
  readonly rebuilt: string;
}

/** Balances: sums, so what they lack can be added while everything goes on. */
export const accounts: Projection = {
  name: 'accounts',
  what: 'the balance of each account, by the postings that the ledger told',
  tables: [
    {
      name: 'posting',
      columns:
        'slip_id text collate "C", partition int, clock text collate "C", owner text collate "C", kind text collate "C", currency text collate "C", change numeric',
    },
  ],
  versions: async () => new Map(),
  async build(tx, schema, page) {
    const rows = page.ids.flatMap((id) => {
      const folded = page.slip(id);
      if (folded === null) return [];
      const balances = new Balances();
      for (const { clock, transaction } of folded.told) balances.post(clock, transaction.postings);
      return balances.changes().map((change) => ({ id, partition: folded.slip.partition, ...change }));
    });
    const owned = rows.map(({ name, ...row }) => ({ ...row, ...parseAccountName(name)! }));
    await tx.query(
      `insert into ${schema}.posting (slip_id, partition, clock, owner, kind, currency, change)
        select * from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[])`,
      [
        owned.map(({ id }) => id),
        owned.map(({ partition }) => partition),
        owned.map(({ clock }) => clock),
        owned.map(({ owner }) => owner),
        owned.map(({ kind }) => kind),
        owned.map(({ currency }) => currency),
        owned.map(({ change }) => change.toString()),
      ],
    );
  },
  async differences(tx, schema) {
    return (await differing(tx, schema)).map(
      ({ clock, owner, kind, currency, partition, live, rebuilt }): Difference => ({
        row: `${clock} ${accountName({ owner, kind })} ${currency}, partition ${partition}`,
        ...{ field: 'balance', live, rebuilt },
      }),
    );
  },
  async swap(tx, schema) {
    const moves = (await differing(tx, schema)).map(({ owner, kind, live, rebuilt, ...place }) => ({
      ...place,
      name: accountName({ owner, kind }),
      change: BigInt(rebuilt) - BigInt(live ?? 0),
    }));
    if (moves.length > 0) await new Accounts().move(tx, moves);
  },
};

/** An account that was opened and never moved has a balance of nothing. */
async function differing(tx: Tx, schema: string): Promise<Row[]> {
  return tx.query<Row>(`
select clock, owner, kind, currency, partition, a.balance::text as live, coalesce(s.balance, 0)::text as rebuilt
  from account a
  full join (
    select clock, owner, kind, currency, partition, sum(change) as balance from ${schema}.posting group by 1, 2, 3, 4, 5
  ) as s using (clock, owner, kind, currency, partition)
  where coalesce(a.balance, 0) <> coalesce(s.balance, 0)
  order by 1, 2, 3, 4, 5`);
}
