import type { PageOf, PageRequest } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import type { AccountFilter, ListedAccount } from '../../application/queries.ts';
import { type AccountKind, accountName } from '../../domain/posting/chart.ts';
import { readPage } from './keyset.ts';

interface Row {
  owner: string;
  kind: AccountKind;
  clock: string;
  currency: string;
  balance: string;
}

/** Rows of one account lie together in their index, so a page adds up its own accounts and no other. */
const selectSql = `
select owner, kind, clock, currency, balance::text from (
  select owner, kind, clock, currency, sum(balance) as balance from account group by owner, kind, clock, currency) as a`;

export function accountList(
  unitOfWork: UnitOfWork,
  filter: AccountFilter,
  page: PageRequest,
): Promise<PageOf<ListedAccount>> {
  const named = Object.entries({ ...filter }).filter(([, value]) => value !== undefined);
  return readPage<Row, ListedAccount>(
    unitOfWork,
    {
      select: selectSql,
      conditions: named.map(([column], index) => `${column} = $${index + 1}`),
      parameters: named.map(([, value]) => value),
      keys: [
        { column: 'owner', type: 'text' },
        { column: 'kind', type: 'text' },
        { column: 'clock', type: 'text' },
        { column: 'currency', type: 'text' },
      ],
      order: 'asc',
      toItem: ({ balance, ...row }) => ({ account: accountName(row), ...row, balance: BigInt(balance) }),
      keyOf: ({ owner, kind, clock, currency }) => [owner, kind, clock, currency],
    },
    page,
  );
}
