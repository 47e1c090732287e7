import { type PageOf, type PageRequest, pageBetween } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import type { AccountFilter, ListedAccount } from '../../application/queries.ts';
import { type AccountKind, accountName } from '../../domain/posting/chart.ts';

interface Row {
  owner: string;
  kind: AccountKind;
  clock: string;
  currency: string;
  balance: string;
  matched: boolean;
  is_edge: boolean;
}

/** Rows that a page looks at; an account has one in each partition that moved it. */
const examinedMax = 10_000;
/** Enough for a page where nearly all fit, and more than one account has. */
const rowsFor = (limit: number): number => Math.max(2_000, 12 * (limit + 2));

/** Kinds with an index of their own: nearly all accounts are of the others. */
const rareKinds: ReadonlySet<AccountKind> = new Set([
  'suspense',
  'settlement',
  'receivable',
  'fees',
  'costs',
  'losses',
]);

/**
 * Rows of one account lie together in their index, so a page adds up its own accounts and no other. It ends where it is full, or with
 * the last account that is whole among the rows that it looked at.
 */
export async function accountList(
  unitOfWork: Pick<UnitOfWork, 'query'>,
  filter: AccountFilter,
  page: PageRequest,
): Promise<PageOf<ListedAccount>> {
  let found: Row[] = [];
  let edge: Row | null = null;
  // Most pages are full long before as many rows were looked at as a page may.
  for (let most = rowsFor(page.limit), more = true; more; most = examinedMax) {
    const { sql, parameters } = searchFor(filter, page, Math.min(most, examinedMax));
    const rows = await unitOfWork.query<Row>(sql, parameters);
    found = rows.filter(({ matched }) => matched);
    edge = rows.find(({ is_edge }) => is_edge) ?? null;
    more = found.length <= page.limit && edge !== null && most < examinedMax;
  }
  const shown = found.slice(0, page.limit);
  const behind = found.length > page.limit ? shown.at(-1)! : edge;
  return pageBetween(
    shown.map(toAccount),
    page.from,
    shown[0] ? keyOf(shown[0]) : null,
    behind && keyOf(behind),
  );
}

const keyOf = ({ owner, kind, clock, currency }: Row): readonly string[] => [owner, kind, clock, currency];

function searchFor(
  { clock, owner, kind, currency }: AccountFilter,
  { limit, from }: PageRequest,
  most: number,
) {
  const parameters: unknown[] = [];
  const place = (value: unknown) => `$${parameters.push(value)}`;
  const direction = from?.side === 'before' ? 'desc' : 'asc';
  const [sign, opposite] = direction === 'asc' ? ['>', 'desc'] : ['<', 'asc'];
  const sorted = (way: string) =>
    ['owner', 'kind', 'clock', 'currency'].map((name) => `${name} ${way}`).join(', ');
  // The kind is one of a closed set: only written out the planner sees that an index has all of it.
  const isRare = kind !== undefined && rareKinds.has(kind);
  const within = isRare ? [`kind = '${kind}'`] : [];
  if (owner !== undefined) within.push(`owner = ${place(owner)}`);
  if (from !== null) {
    const [afterOwner, afterKind, ...rest] = from.key;
    const [names, values] = isRare
      ? ['owner, clock, currency', [afterOwner, ...rest]]
      : ['owner, kind, clock, currency', [afterOwner, afterKind, ...rest]];
    within.push(`(${names}) ${sign} (${values.map((value) => `${place(value)}::text`).join(', ')})`);
  }
  const matches = [`clock = ${place(clock)}`];
  if (kind !== undefined) matches.push(`kind = ${place(kind)}`);
  if (currency !== undefined) matches.push(`currency = ${place(currency)}`);
  const sql = `
with looked as materialized (
  select owner, kind, clock, currency, balance from account where ${['true', ...within].join(' and ')}
  order by ${sorted(direction)} limit ${most}
), summed as (
  select owner, kind, clock, currency, sum(balance) as balance, (${matches.join(' and ')}) as matched,
         (select count(*) from looked) = ${most} as is_cut, row_number() over (order by ${sorted(opposite)}) as from_end
  from looked group by owner, kind, clock, currency
)
select owner, kind, clock, currency, balance::text, matched, is_cut and from_end = 2 as is_edge from summed
where not (is_cut and from_end = 1) and (matched or (is_cut and from_end = 2))
order by ${sorted(direction)} limit ${limit + 2}`;
  return { sql, parameters };
}

function toAccount({ owner, kind, clock, currency, balance }: Row): ListedAccount {
  return { account: accountName({ owner, kind }), owner, kind, clock, currency, balance: BigInt(balance) };
}
