import { assert, instantFromMicros, instantToMicros } from '@slipstream/kernel';
import { columns, columnTypes, rowsOf, type Tx } from '@slipstream/postgres';
import type { Booking, LedgerTx, LogEntry, SlipChange, StoredSlip } from '../../application/ports.ts';
import { entryOf } from '../../domain/posting/entry.ts';
import { FigureChanges } from '../../domain/statistics/figures.ts';
import { type Accounts, lockedBalances } from './accounts.ts';
import type { Remembered } from './remembered.ts';
import { differing } from './resent.ts';
import { addFigures } from './slip-hours.ts';
import { differsUsually, loadSql, mayLag, type SlipRow, slipRow, toStored } from './slip-rows.ts';
import { standsOf } from './slip-states.ts';
import { entries, eventLog, newSlips, updates, usualUpdates } from './tables.ts';

const ids = columns({ id: columnTypes.text });

/** The port over one transaction of libs/postgres. `remembered` outlives it. */
export function ledgerTx(tx: Tx, { accounts, slips }: Remembered): LedgerTx {
  return {
    async load(slipIds) {
      const found = slips.take(slipIds);
      const missing = slipIds.filter((id) => !found.has(id));
      for (const slip of await stored(tx, missing)) found.set(slip.slip.slipId, slip);
      return found;
    },
    differing: (resent) => differing(tx, resent),
    lockBalances: (keys) => lockedBalances(tx, keys),
    async write(booking) {
      const [written] = await Promise.all([
        writeSlips(tx, booking.slips),
        tx.insert(eventLog, rowsOf(booking.log, logRow)),
        booking.transactions.length > 0 ? book(tx, accounts, booking) : null,
        count(tx, booking.slips),
      ]);
      tx.afterCommit(() => slips.keep(written));
    },
    afterCommit: (then) => tx.afterCommit(then),
  };
}

async function stored(tx: Tx, slipIds: readonly string[]): Promise<StoredSlip[]> {
  if (slipIds.length === 0) return [];
  const rows = await tx.query<SlipRow>(loadSql, ids.parameters(slipIds.map((id) => ({ id }))));
  // Nobody else writes them meanwhile.
  const stands = await standsOf(tx, rows);
  return rows.map((row) => toStored(row, stands.get(row.id)!));
}

function logRow({ record, version, chain, status }: LogEntry) {
  const { partition, offset, slipId, bytes } = record;
  return { partition, kafka_offset: offset, slip_id: slipId, version, bytes, chain, status };
}

/** Gives the slips as the database has them now. */
async function writeSlips(tx: Tx, slips: readonly SlipChange[]): Promise<StoredSlip[]> {
  const added: ReturnType<typeof slipRow>[] = [];
  const usual: ChangedRow[] = [];
  const others: ChangedRow[] = [];
  const stored = slips.map((change): StoredSlip => {
    const { slip, hold, entries, snapshotAt, before } = change;
    const lags = mayLag(change);
    if (!lags) {
      const row = slipRow(change);
      if (before === null) added.push(row);
      else (differsUsually(row, slipRow(before)) ? usual : others).push({ before: before.writtenAt, ...row });
    }
    return { slip, hold, entries, snapshotAt, writtenAt: lags ? before!.writtenAt : slip.version };
  });
  await Promise.all([
    tx.insert(newSlips, added),
    change(tx, usual.length, usualUpdates.sql, () => usualUpdates.rows.parameters(usual)),
    change(tx, others.length, updates.sql, () => updates.rows.parameters(others)),
  ]);
  return stored;
}

function count(tx: Tx, slips: readonly SlipChange[]): void {
  const changes = new FigureChanges();
  for (const { before, slip } of slips) changes.add(before?.slip ?? null, slip);
  addFigures(tx, changes.changed());
}

type ChangedRow = ReturnType<typeof slipRow> & { readonly before: number };

async function change(tx: Tx, count: number, sql: string, parameters: () => Buffer[]): Promise<void> {
  if (count === 0) return;
  const [found] = await tx.query<{ n: number }>(sql, parameters());
  assert(found?.n === count, 'a slip is not as it was loaded');
}

/** Only rows of the batch's own partitions are touched: no other partition waits for them. */
async function book(tx: Tx, accounts: Accounts, { transactions, changes }: Booking): Promise<void> {
  const { at, idOf } = await accounts.move(tx, changes);
  // The times of a batch follow the order of its decisions.
  const firstMicros = instantToMicros(at);
  const rows = rowsOf(transactions, ({ partition, transaction, slipId, clock, n }, index) => {
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
