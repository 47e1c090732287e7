import type { UnitOfWork } from '@slipstream/postgres';
import { ledgerQueries } from '../src/adapters/postgres/ledger-queries.ts';
import { ledgerTx } from '../src/adapters/postgres/ledger-tx.ts';
import { LostAnswers } from '../src/adapters/postgres/lost-answers.ts';
import { Remembered } from '../src/adapters/postgres/remembered.ts';
import { type AccountKind, accountName } from '../src/domain/posting/chart.ts';
import { noWaits } from './books.ts';
import { type BooksAsText, balancesText, logText, slipText, transactionText } from './plain-books.ts';

/** What the tables say, read as the service reads them. */
export async function storedAsText(unitOfWork: UnitOfWork): Promise<BooksAsText> {
  const log = await unitOfWork.query<{
    partition: number;
    kafka_offset: string;
    slip_id: string;
    version: string;
    bytes: Buffer;
    chain: Buffer;
  }>('select partition, kafka_offset, slip_id, version, bytes, chain from event_log');
  const ids = await unitOfWork.query<{ id: string; partition: number }>('select id, partition from slip');
  const slips = await unitOfWork.run((tx) =>
    ledgerTx(tx, new Remembered(), LostAnswers.none()).load(ids.map(({ id }) => id)),
  );
  const accounts = await unitOfWork.query<{
    clock: string;
    owner: string;
    kind: AccountKind;
    currency: string;
    balance: string;
  }>('select clock, owner, kind, currency, sum(balance)::text as balance from account group by 1, 2, 3, 4');
  const queries = ledgerQueries(unitOfWork, noWaits);
  const transactions: string[] = [];
  for (const { id } of ids) {
    const { items } = await queries.transactions({ slip: id }, { limit: 100, from: null });
    transactions.push(...items.map((item) => transactionText(item.slipId, item)));
  }
  return {
    log: log
      .map((row) =>
        logText(
          row.partition,
          Number(row.kafka_offset),
          row.slip_id,
          Number(row.version),
          row.bytes,
          row.chain.toString('latin1'),
        ),
      )
      .sort(),
    slips: ids
      .map(({ id, partition }) => slipText(partition, slips.get(id)!.slip, slips.get(id)!.hold))
      .sort(),
    transactions: transactions.sort(),
    balances: balancesText(
      accounts.map(({ owner, kind, balance, ...rest }) => ({
        ...rest,
        name: accountName({ owner, kind }),
        change: BigInt(balance),
      })),
    ),
  };
}
