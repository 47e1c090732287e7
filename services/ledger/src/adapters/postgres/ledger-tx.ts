import { assert, type Instant, type Money } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { parseState, type SlipKind } from '@slipstream/slip';
import type { Booking, LedgerTx, StoredSlip } from '../../application/ports.ts';
import type { Hold, HoldStatus } from '../../domain/hold/hold.ts';
import { Balances } from '../../domain/posting/balances.ts';
import { concatenated, plainArray, textArray } from './arrays.ts';
import { slipColumns, unreadState } from './slip-columns.ts';
import * as sql from './statements.ts';

interface LoadRow {
  id: string;
  version: string;
  position: string;
  waits_from: string | null;
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
      const rows = slipIds.length === 0 ? [] : await tx.query<LoadRow>(sql.loadSql, [textArray(slipIds)]);
      return new Map(rows.map((row) => [row.id, toStored(row)]));
    },
    async append(partition, entries) {
      const records = entries.map(({ record }) => record);
      const { bytes, starts, lengths } = concatenated(records.map((record) => record.bytes));
      await tx.query(sql.appendSql, [
        partition,
        bytes,
        Buffer.concat(entries.map(({ chain }) => chain)),
        starts,
        lengths,
        plainArray(records.map((record) => record.offset)),
        textArray(records.map((record) => record.source)),
        plainArray(records.map((record) => record.sequence)),
        textArray(records.map((record) => record.eventId)),
        textArray(records.map((record) => record.type)),
        textArray(records.map((record) => record.slipId)),
        textArray(records.map((record) => record.clock)),
        plainArray(entries.map(({ version }) => version)),
        textArray(records.map((record) => record.time)),
        textArray(records.map((record) => record.receivedTime)),
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
          textArray(accounts.map((key) => key.clock)),
          textArray(accounts.map((key) => key.name)),
          textArray(accounts.map((key) => key.currency)),
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
    textArray(transactions.map(({ transaction }) => transaction.id)),
    textArray(transactions.map(({ slipId }) => slipId)),
    textArray(transactions.map(({ transaction }) => transaction.type)),
    textArray(transactions.map(({ clock }) => clock)),
    textArray(transactions.map(({ eventId }) => eventId)),
    textArray(postings.map((posting) => posting.id)),
    plainArray(postings.map((posting) => posting.n)),
    textArray(postings.map((posting) => posting.account)),
    textArray(postings.map((posting) => posting.amount.currency)),
    textArray(postings.map((posting) => posting.direction)),
    plainArray(postings.map((posting) => posting.amount.amount)),
    textArray(changes.map((change) => change.clock)),
    textArray(changes.map((change) => change.name)),
    textArray(changes.map((change) => change.currency)),
    plainArray(changes.map((change) => change.change)),
    textArray(newHolds.map((hold) => hold.slipId)),
    textArray(newHolds.map((hold) => hold.clock)),
    textArray(newHolds.map((hold) => hold.kind)),
    textArray(newHolds.map((hold) => hold.account)),
    textArray(newHolds.map((hold) => hold.counterparty)),
    plainArray(newHolds.map((hold) => hold.amount?.amount ?? null)),
    textArray(newHolds.map((hold) => hold.amount?.currency ?? null)),
    textArray(newHolds.map((hold) => hold.status)),
    textArray(changedHolds.map(({ hold }) => hold.slipId)),
    textArray(changedHolds.map(({ from }) => from)),
    textArray(changedHolds.map(({ hold }) => hold.status)),
  ];
}

function toStored(row: LoadRow): StoredSlip {
  return {
    slip: {
      slipId: row.id,
      version: Number(row.version),
      position: Number(row.position),
      waitsFrom: row.waits_from === null ? null : Number(row.waits_from),
      chain: row.chain,
      clock: row.clock,
      listedAt: row.listed_at,
      state: row.state === unreadState ? null : parseState(row.state),
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
