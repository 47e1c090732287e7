import { assert, instantFromMicros, instantToMicros } from '@slipstream/kernel';
import { columns, columnTypes, rowsOf, type Tx } from '@slipstream/postgres';
import type {
  AsideEntry,
  Booking,
  LedgerTx,
  LogEntry,
  SlipChange,
  StoredSlip,
} from '../../application/ports.ts';
import { tagDigest } from '../../digests.ts';
import type { LoggedTag } from '../../domain/log/tags.ts';
import type { LogTree } from '../../domain/log/tree.ts';
import { entryOf } from '../../domain/posting/entry.ts';
import { FigureChanges } from '../../domain/statistics/figures.ts';
import { type Accounts, lockedBalances } from './accounts.ts';
import { lockedTrees, writeTrees } from './log-trees.ts';
import type { LostAnswers } from './lost-answers.ts';
import type { Remembered } from './remembered.ts';
import { differing } from './resent.ts';
import { addFigures } from './slip-hours.ts';
import { differsUsually, loadSql, mayLag, type SlipRow, slipRow, toStored } from './slip-rows.ts';
import { standsOf } from './slip-states.ts';
import { asideLog, entries, eventLog, newSlips, slipTags, updates, usualUpdates } from './tables.ts';

const ids = columns({ id: columnTypes.text });

/** The port over one transaction of libs/postgres. `remembered` and `lost` outlive it. */
export function ledgerTx(tx: Tx, remembered: Remembered, lost: LostAnswers): LedgerTx {
  const { accounts, slips, trees } = remembered;
  return {
    lost: (partitions) => lost.of(tx, partitions, (partition) => remembered.forget(partition)),
    async load(slipIds) {
      const found = slips.take(slipIds);
      const missing = slipIds.filter((id) => !found.has(id));
      for (const slip of await stored(tx, missing)) found.set(slip.slip.slipId, slip);
      return found;
    },
    async trees(partitions) {
      const found = new Map<number, LogTree>();
      const missing: number[] = [];
      for (const partition of partitions) {
        const known = trees.take(partition);
        if (known === undefined) missing.push(partition);
        else found.set(partition, known);
      }
      if (missing.length > 0) for (const [of, tree] of await lockedTrees(tx, missing)) found.set(of, tree);
      // Those that grow come after them.
      tx.afterCommit(() => trees.keep(found.values()));
      return found;
    },
    differing: (resent) => differing(tx, resent),
    async lockBalances(keys) {
      lost.requireWhole();
      return lockedBalances(tx, keys);
    },
    async write(booking) {
      const [written] = await Promise.all([
        writeSlips(tx, booking.slips),
        tx.insert(eventLog, rowsOf(booking.log, logRow)),
        tx.insert(asideLog, rowsOf(booking.aside, asideRow)),
        tx.insert(slipTags, rowsOf(booking.tags, tagRow)),
        writeTrees(tx, booking.trees),
        booking.transactions.length > 0 ? book(tx, accounts, booking) : null,
        count(tx, booking.slips),
      ]);
      tx.afterCommit(() => {
        slips.keep(written);
        trees.keep(booking.trees.map(({ tree }) => tree));
      });
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

function logRow({ record, version, chain, status, mark }: LogEntry) {
  const { partition, offset, slipId, bytes } = record;
  return { partition, kafka_offset: offset, slip_id: slipId, version, bytes, chain, status, mark };
}

function asideRow({ leaf: { partition, offset, bytes }, mark }: AsideEntry) {
  return { partition, kafka_offset: offset, bytes, mark };
}

export function tagRow({ name, value, partition, offset }: LoggedTag) {
  return { digest: tagDigest(name, value), kafka_offset: offset, partition };
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
