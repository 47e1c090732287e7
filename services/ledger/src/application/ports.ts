import type { Transaction } from '@slipstream/slip';
import type { Hold } from '../domain/hold/hold.ts';
import type { FollowedSlip, LogRecord } from '../domain/log/follow.ts';
import type { AccountChange, AccountKey, Balances } from '../domain/posting/balances.ts';

/** A slip and its hold as the database has them. */
export interface StoredSlip {
  readonly slip: FollowedSlip;
  readonly hold: Hold | null;
  /** How many entries it has in the books. */
  readonly entries: number;
}

/** A record of the log with what it became there. */
export interface LogEntry {
  readonly record: LogRecord;
  readonly version: number;
  readonly chain: Buffer;
}

/** A slip as a batch leaves it. */
export interface SlipChange extends StoredSlip {
  /** The version that was loaded; null: there was none. */
  readonly before: number | null;
}

/** A transaction with its place among those of its slip. */
export interface NumberedTransaction {
  readonly partition: number;
  readonly transaction: Transaction;
  readonly slipId: string;
  readonly clock: string;
  readonly n: number;
}

/** What the transactions of a partition change of an account. */
export interface PartitionChange extends AccountChange {
  readonly partition: number;
}

/** Everything one batch writes; the transactions in the order of their decisions, timed by the database. */
export interface Booking {
  readonly log: readonly LogEntry[];
  readonly slips: readonly SlipChange[];
  readonly transactions: readonly NumberedTransaction[];
  readonly changes: readonly PartitionChange[];
}

/** A record that was handled before, as it came again. */
export interface Resent {
  readonly partition: number;
  readonly slipId: string;
  readonly source: string;
  readonly sequence: number;
  readonly offset: number;
  readonly digest: Buffer;
}

/** One database transaction of the ledger; each call is a few statements for the whole batch. */
export interface LedgerTx {
  load(slipIds: readonly string[]): Promise<ReadonlyMap<string, StoredSlip>>;
  /** Those whose bytes are not the ones that were handled. */
  differing(resent: readonly Resent[]): Promise<readonly Resent[]>;
  /** Balances to decide by: until this transaction ends nobody else decides by them. */
  lockBalances(accounts: readonly AccountKey[]): Promise<Balances>;
  /** @throws InvariantError when a slip or an account was not as expected */
  write(booking: Booking): Promise<void>;
}

/** What the batch handler tells the operator. */
export interface LedgerMonitor {
  eventsAppended(count: number): void;
  postingsBooked(count: number): void;
  unknownType(type: string): void;
  resentBytesDiffer(resent: Resent): void;
}
