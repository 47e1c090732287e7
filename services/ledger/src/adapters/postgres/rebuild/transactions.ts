import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { type AccountKind, accountName } from '../../../domain/posting/chart.ts';
import { entryOf } from '../../../domain/posting/entry.ts';
import type { Told } from '../../../domain/rebuild/fold-money.ts';
import { Accounts } from '../accounts.ts';
import { entries } from '../tables.ts';
import {
  type Difference,
  differenceTable,
  differingSlips,
  type FoldedPage,
  type Projection,
  readDifferences,
  writeDifferences,
} from './projection.ts';

/** What each slip moved, as the ledger's events carry it. */
export const transactions: Projection = {
  name: 'transactions',
  what: 'the transactions of each slip with their postings, in the order of their entries',
  tables: [{ name: 'entry', columns: 'slip_id text collate "C", n int, said text' }, differenceTable],
  versions: async () => new Map(),
  async build(tx, schema, page) {
    const live = await liveEntries(tx, page.ids);
    const rows: { id: string; n: number; said: string }[] = [];
    const found: (Difference & { slipId: string })[] = [];
    for (const id of page.ids) {
      const told = (page.slip(id)?.told ?? []).map((one) => saidOf(id, page, one));
      for (const [index, said] of told.entries()) rows.push({ id, n: index + 1, said });
      found.push(...compare(id, live.get(id) ?? [], told));
    }
    await tx.query(
      `insert into ${schema}.entry (slip_id, n, said) select * from unnest($1::text[], $2::int[], $3::text[])`,
      [rows.map(({ id }) => id), rows.map(({ n }) => n), rows.map(({ said }) => said)],
    );
    await writeDifferences(tx, schema, found);
  },
  differences: readDifferences,
  async swap(tx, schema, refold) {
    const ids = await differingSlips(tx, schema);
    if (ids.length === 0) return;
    // Only the owner of the table can, and until the commit nobody else writes to it.
    await tx.query('alter table entry disable trigger entry_append_only');
    for (let at = 0; at < ids.length; at += pageMax)
      await rewrite(tx, await refold(ids.slice(at, at + pageMax)));
    await tx.query('alter table entry enable trigger entry_append_only');
  },
};

const pageMax = 500;

interface LiveEntry {
  readonly slip_id: string;
  readonly n: number;
  readonly id: string;
  readonly type: string;
  readonly at: Instant;
  readonly amount: string;
  readonly rest: string | null;
  readonly debit: AccountRow | null;
  readonly credit: AccountRow | null;
  readonly rest_credit: AccountRow | null;
}

interface AccountRow {
  readonly owner: string;
  readonly kind: AccountKind;
  readonly clock: string;
  readonly currency: string;
  readonly partition: number;
}

const account = (alias: string) =>
  `case when ${alias}.id is not null then json_build_object('owner', ${alias}.owner, 'kind', ${alias}.kind, 'clock', ${alias}.clock,
    'currency', ${alias}.currency, 'partition', ${alias}.partition) end`;
const liveSql = `
select e.slip_id, e.n, e.id, e.type, e.at, e.amount, e.rest, ${account('d')} as debit, ${account('c')} as credit, ${account('r')} as rest_credit
from entry e left join account d on d.id = e.debit left join account c on c.id = e.credit left join account r on r.id = e.rest_credit
where e.slip_id = any($1::text[]) order by e.slip_id, e.n`;

async function liveEntries(tx: Tx, ids: readonly string[]): Promise<Map<string, LiveEntry[]>> {
  const found = new Map<string, LiveEntry[]>();
  for (const row of await tx.query<LiveEntry>(liveSql, [ids])) {
    const among = found.get(row.slip_id);
    if (among) among.push(row);
    else found.set(row.slip_id, [row]);
  }
  return found;
}

/** Everything about a transaction but the time at which it was entered, which no event tells. */
function saidOf(id: string, page: FoldedPage, { transaction, clock }: Told): string {
  const { partition } = page.slip(id)!.slip;
  const { currency, debit, credit, amount, rest } = entryOf(transaction.postings);
  const place = `${clock} ${currency} ${partition}`;
  const more = rest === null ? '' : `, ${rest.amount} to ${rest.credit}`;
  return `${transaction.type} ${transaction.id} ${place}: ${debit} pays ${amount} to ${credit}${more}`;
}

function saidByRow({ id, type, amount, rest, debit, credit, rest_credit }: LiveEntry): string {
  const named = (one: AccountRow | null) => (one === null ? 'no account' : accountName(one));
  const places = new Set(
    [debit, credit, ...(rest === null ? [] : [rest_credit])].map(
      (one) => one && `${one.clock} ${one.currency} ${one.partition}`,
    ),
  );
  const more = rest === null ? '' : `, ${rest} to ${named(rest_credit)}`;
  return `${type} ${id} ${[...places].join(' and ')}: ${named(debit)} pays ${amount} to ${named(credit)}${more}`;
}

function compare(slipId: string, live: readonly LiveEntry[], told: readonly string[]) {
  const byNumber = new Map(live.map((row) => [row.n, saidByRow(row)]));
  const numbers = new Set([...byNumber.keys(), ...told.map((_, index) => index + 1)]);
  return [...numbers].flatMap((n): (Difference & { slipId: string })[] => {
    const [is, should] = [byNumber.get(n) ?? null, told[n - 1] ?? null];
    return is === should
      ? []
      : [{ slipId, row: `${slipId} ${n}`, field: 'transaction', live: is, rebuilt: should }];
  });
}

/** What is there already keeps the time at which it was entered. */
async function rewrite(tx: Tx, page: FoldedPage): Promise<void> {
  const times = new Map<string, Instant>();
  for (const rows of (await liveEntries(tx, page.ids)).values())
    for (const { id, at } of rows) times.set(id, at);
  await tx.query('delete from entry where slip_id = any($1::text[])', [page.ids]);
  const lines = page.ids.flatMap((id) => {
    const folded = page.slip(id);
    return (folded?.told ?? []).map((told, index) => ({
      id,
      n: index + 1,
      told,
      partition: folded!.slip.partition,
    }));
  });
  if (lines.length === 0) return;
  const entered = lines.map((line) => ({ ...line, entry: entryOf(line.told.transaction.postings) }));
  const places = new Map(
    entered.flatMap(({ entry: { currency, debit, credit, rest }, told: { clock }, partition }) =>
      [debit, credit, ...(rest ? [rest.credit] : [])].map((name) => {
        const place = { clock, currency, name, partition };
        return [JSON.stringify(place), { ...place, change: 0n }] as const;
      }),
    ),
  );
  const { idOf } = await new Accounts().move(tx, [...places.values()]);
  const rows = entered.map(({ id, n, told: { transaction, clock, at }, partition, entry }) => {
    const { currency, debit, credit, amount, rest } = entry;
    const idIn = (name: string) => idOf({ clock, currency, name, partition });
    return {
      ...{ slip_id: id, n, type: transaction.type, id: transaction.id, amount },
      ...{ debit: idIn(debit), credit: idIn(credit), rest_credit: rest && idIn(rest.credit) },
      ...{ rest: rest?.amount ?? null, at: times.get(transaction.id) ?? at },
    };
  });
  await tx.insert(entries, rows);
}
