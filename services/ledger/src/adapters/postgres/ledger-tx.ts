import { assert, type Instant, type Money } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { parseState, type SlipKind } from '@slipstream/slip';
import type { Booking, LedgerTx, StoredSlip } from '../../application/ports.ts';
import type { Hold, HoldStatus } from '../../domain/hold/hold.ts';
import { Balances } from '../../domain/posting/balances.ts';
import { slipColumns } from './slip-columns.ts';
import * as sql from './statements.ts';

interface LoadRow {
  id: string;
  version: string;
  position: string;
  chain: Buffer;
  clock: string;
  listed_at: Instant;
  state: string;
  hold_clock: string | null;
  kind: SlipKind;
  account: string;
  counterparty: string;
  amount: string | null;
  currency: string;
  hold_status: HoldStatus;
}

/** The port over one transaction of libs/postgres. */
export function ledgerTx(tx: Tx): LedgerTx {
  return {
    async load(slipIds) {
      const rows = slipIds.length === 0 ? [] : await tx.query<LoadRow>(sql.loadSql, [slipIds]);
      return new Map(rows.map((row) => [row.id, toStored(row)]));
    },
    async append(partition, entries) {
      await tx.query(sql.appendSql, [
        partition,
        entries.map(({ record }) => record.offset),
        entries.map(({ record }) => record.source),
        entries.map(({ record }) => record.sequence),
        entries.map(({ record }) => record.eventId),
        entries.map(({ record }) => record.type),
        entries.map(({ record }) => record.slipId),
        entries.map(({ record }) => record.clock),
        entries.map(({ version }) => version),
        entries.map(({ record }) => record.time),
        entries.map(({ record }) => record.receivedTime),
        entries.map(({ record }) => record.bytes),
        entries.map(({ chain }) => chain),
      ]);
    },
    async saveSlips(partition, slips) {
      await tx.query(sql.saveSlipsSql, [partition, ...slipColumns(slips)]);
    },
    async differing(partition, resent) {
      const rows = await tx.query<{ n: string }>(sql.differingSql, [
        partition,
        resent.map((one) => one.source),
        resent.map((one) => one.sequence),
        resent.map((one) => one.digest),
      ]);
      return rows.map((row) => resent[Number(row.n) - 1]!);
    },
    async lockAccounts(accounts) {
      const rows = await tx.query<{ clock: string; name: string; currency: string; balance: string }>(
        sql.lockAccountsSql,
        [
          accounts.map((key) => key.clock),
          accounts.map((key) => key.name),
          accounts.map((key) => key.currency),
        ],
      );
      const balances = new Balances();
      for (const { balance, ...key } of rows) balances.add(key, BigInt(balance));
      return balances;
    },
    async book(booking) {
      const [found] = await tx.query<{ moved: number; changed: number }>(sql.bookSql, bookColumns(booking));
      assert(found?.moved === booking.changes.length, 'an account that was locked is gone');
      assert(found.changed === booking.changedHolds.length, 'a hold is not as it was loaded');
    },
  };
}

function bookColumns({ transactions, changes, newHolds, changedHolds }: Booking): unknown[] {
  const postings = transactions.flatMap(({ transaction }) =>
    transaction.postings.map((posting, index) => ({ ...posting, id: transaction.id, n: index + 1 })),
  );
  return [
    transactions.map(({ transaction }) => transaction.id),
    transactions.map(({ slipId }) => slipId),
    transactions.map(({ transaction }) => transaction.type),
    transactions.map(({ clock }) => clock),
    transactions.map(({ eventId }) => eventId),
    postings.map((posting) => posting.id),
    postings.map((posting) => posting.n),
    postings.map((posting) => posting.account),
    postings.map((posting) => posting.amount.currency),
    postings.map((posting) => posting.direction),
    postings.map((posting) => posting.amount.amount),
    changes.map((change) => change.clock),
    changes.map((change) => change.name),
    changes.map((change) => change.currency),
    changes.map((change) => change.change),
    newHolds.map((hold) => hold.slipId),
    newHolds.map((hold) => hold.clock),
    newHolds.map((hold) => hold.kind),
    newHolds.map((hold) => hold.account),
    newHolds.map((hold) => hold.counterparty),
    newHolds.map((hold) => hold.amount?.amount ?? null),
    newHolds.map((hold) => hold.amount?.currency ?? null),
    newHolds.map((hold) => hold.status),
    changedHolds.map(({ hold }) => hold.slipId),
    changedHolds.map(({ from }) => from),
    changedHolds.map(({ hold }) => hold.status),
  ];
}

function toStored(row: LoadRow): StoredSlip {
  return {
    slip: {
      slipId: row.id,
      version: Number(row.version),
      position: Number(row.position),
      chain: row.chain,
      clock: row.clock,
      listedAt: row.listed_at,
      state: row.state === '' ? null : parseState(row.state),
    },
    hold: row.hold_clock === null ? null : toHold(row, row.hold_clock),
  };
}

function toHold(row: LoadRow, clock: string): Hold {
  const amount: Money | null =
    row.amount === null ? null : { amount: BigInt(row.amount), currency: row.currency };
  const { id, kind, account, counterparty, hold_status } = row;
  return { slipId: id, clock, kind, account, counterparty, amount, status: hold_status };
}
