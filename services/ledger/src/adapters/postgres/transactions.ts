import type { Instant } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import type { Posting, Transaction } from '@slipstream/slip';
import type { BookedTransaction, PageOf, PageRequest, TransactionFilter } from '../../application/queries.ts';
import { readPage } from './keyset.ts';

interface Row {
  id: string;
  slip_id: string;
  type: Transaction['type'];
  at: Instant;
  postings: { account: string; direction: Posting['direction']; amount: string; currency: string }[];
}

const selectSql = `
select t.id, t.slip_id, t.type, t.at, (
  select json_agg(json_build_object('account', p.account, 'direction', p.direction, 'amount', p.amount::text, 'currency', p.currency)
                  order by p.n)
  from posting p where p.transaction_id = t.id) as postings
from transaction t`;

export function transactions(
  unitOfWork: UnitOfWork,
  { slip, accounts }: TransactionFilter,
  page: PageRequest,
): Promise<PageOf<BookedTransaction>> {
  const conditions: string[] = [];
  const parameters: unknown[] = [];
  if (slip !== undefined) {
    parameters.push(slip);
    conditions.push(`t.slip_id = $${parameters.length}`);
  }
  if (accounts !== undefined) {
    parameters.push(accounts);
    conditions.push(
      `t.id in (select transaction_id from posting where account = any($${parameters.length}::text[]))`,
    );
  }
  return readPage<Row, BookedTransaction>(
    unitOfWork,
    {
      select: selectSql,
      conditions,
      parameters,
      keys: [
        { column: 't.at', type: 'timestamptz' },
        { column: 't.id', type: 'uuid' },
      ],
      order: 'desc',
      toItem: toTransaction,
      keyOf: (row) => [row.at, row.id],
    },
    page,
  );
}

function toTransaction({ id, slip_id, type, at, postings }: Row): BookedTransaction {
  return {
    id,
    slipId: slip_id,
    type,
    recordedAt: at,
    postings: postings.map(({ account, direction, amount, currency }) => ({
      account,
      direction,
      amount: { amount: BigInt(amount), currency },
    })),
  };
}
