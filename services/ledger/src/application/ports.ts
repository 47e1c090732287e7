import type { Transaction } from '@slipstream/slip';
import type { Hold, HoldStatus } from '../domain/hold/hold.ts';
import type { FollowedSlip, LogRecord } from '../domain/log/follow.ts';
import type { AccountChange, AccountKey, Balances } from '../domain/posting/balances.ts';

/** A slip and its hold as the database has them. */
export interface StoredSlip {
  readonly slip: FollowedSlip;
  readonly hold: Hold | null;
}

/** A record of the log with what it became there. */
export interface LogEntry {
  readonly record: LogRecord;
  readonly version: number;
  readonly chain: Buffer;
}

/** Everything one batch books; the transactions in the order of their decisions, timed by the database. */
export interface Booking {
  readonly transactions: readonly {
    readonly transaction: Transaction;
    readonly slipId: string;
    readonly clock: string;
    /** The ledger's own event that carries it. */
    readonly eventId: string;
  }[];
  readonly changes: readonly AccountChange[];
  readonly newHolds: readonly Hold[];
  readonly changedHolds: readonly { readonly hold: Hold; readonly from: HoldStatus }[];
}

/** A record that was handled before, as it came again. */
export interface Resent {
  readonly source: string;
  readonly sequence: number;
  readonly offset: number;
  readonly digest: Buffer;
}

/** One database transaction of the ledger; each call is one statement for the whole batch. */
export interface LedgerTx {
  load(slipIds: readonly string[]): Promise<ReadonlyMap<string, StoredSlip>>;
  append(partition: number, entries: readonly LogEntry[]): Promise<void>;
  saveSlips(partition: number, slips: readonly FollowedSlip[]): Promise<void>;
  /** Those whose bytes are not the logged ones. */
  differing(partition: number, resent: readonly Resent[]): Promise<readonly Resent[]>;
  /** Opens and locks the accounts, in key order; gives their balances. */
  lockAccounts(accounts: readonly AccountKey[]): Promise<Balances>;
  /** @throws InvariantError when a hold or an account was not as expected */
  book(booking: Booking): Promise<void>;
}

/** What the batch handler tells the operator. */
export interface LedgerMonitor {
  eventsAppended(count: number): void;
  postingsBooked(count: number): void;
  unknownType(type: string): void;
  resentBytesDiffer(partition: number, resent: Resent): void;
}
