import { assert, type Instant, instantFromMicros, instantToMicros } from '@slipstream/kernel';
import { columns, columnTypes, type Tx } from '@slipstream/postgres';
import type { Booking, LedgerTx, LogEntry, SlipChange } from '../../application/ports.ts';
import { entryOf } from '../../domain/posting/entry.ts';
import { type Accounts, lockedBalances } from './accounts.ts';
import { differing } from './resent.ts';
import { loadSql, type SlipRow, slipRow, toStored } from './slip-rows.ts';
import { entries, eventLog, moveBalances, newSlips, slipUpdates } from './tables.ts';

const ids = columns({ id: columnTypes.text });

/** The port over one transaction of libs/postgres. `accounts` outlives it. */
export function ledgerTx(tx: Tx, accounts: Accounts): LedgerTx {
  return {
    async load(slipIds) {
      const asked = ids.parameters(slipIds.map((id) => ({ id })));
      const rows = slipIds.length === 0 ? [] : await tx.query<SlipRow>(loadSql, asked);
      return new Map(rows.map((row) => [row.id, toStored(row)]));
    },
    differing: (resent) => differing(tx, resent),
    lockBalances: (keys) => lockedBalances(tx, keys),
    async write(booking) {
      await tx.insert(eventLog, booking.log.map(logRow));
      await writeSlips(tx, booking.slips);
      if (booking.transactions.length > 0) await book(tx, accounts, booking);
    },
  };
}

function logRow({ record, version, chain }: LogEntry) {
  const { partition, offset, slipId, bytes } = record;
  return { partition, kafka_offset: offset, slip_id: slipId, version, bytes, chain };
}

async function writeSlips(tx: Tx, slips: readonly SlipChange[]): Promise<void> {
  const added = slips.filter(({ before }) => before === null);
  await tx.insert(newSlips, added.map(slipRow));
  const changed = slips.flatMap((slip) =>
    slip.before === null ? [] : [{ before: slip.before, ...slipRow(slip) }],
  );
  if (changed.length === 0) return;
  const [found] = await tx.query<{ n: number }>(slipUpdates.sql, slipUpdates.rows.parameters(changed));
  assert(found?.n === changed.length, 'a slip is not as it was loaded');
}

/** Only rows of the batch's own partitions are touched: no other partition waits for them. */
async function book(tx: Tx, accounts: Accounts, { transactions, changes }: Booking): Promise<void> {
  const idOf = await accounts.idsOf(tx, changes);
  const moves = changes.map(({ change, ...place }) => ({ id: idOf(place), change }));
  moves.sort((a, b) => (a.id < b.id ? -1 : 1));
  const [moved] = await tx.query<{ n: number; at: Instant }>(
    moveBalances.sql,
    moveBalances.rows.parameters(moves),
  );
  assert(moved?.n === changes.length, 'an account is gone');
  // The times of a batch follow the order of its decisions.
  const firstMicros = instantToMicros(moved.at);
  const rows = transactions.map(({ partition, transaction, slipId, clock, n }, index) => {
    const { currency, debit, credit, amount, rest } = entryOf(transaction.postings);
    const account = (name: string) => idOf({ partition, clock, name, currency });
    return {
      ...{ slip_id: slipId, n, type: transaction.type, id: transaction.id, amount },
      debit: account(debit),
      credit: account(credit),
      rest_credit: rest && account(rest.credit),
      rest: rest?.amount ?? null,
      at: instantFromMicros(firstMicros + BigInt(index)),
    };
  });
  await tx.insert(entries, rows);
}
