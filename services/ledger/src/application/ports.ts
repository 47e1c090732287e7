import type { Anomaly, SlipStatus, Transaction } from '@slipstream/slip';
import type { Hold } from '../domain/hold/hold.ts';
import type { PastParts, ToldAnswer } from '../domain/hold/past.ts';
import type { FollowedSlip, Hash, LogRecord } from '../domain/log/follow.ts';
import type { LoggedTag } from '../domain/log/tags.ts';
import type { GrownTree, Leaf, LogTree } from '../domain/log/tree.ts';
import type { AccountKey } from '../domain/posting/account-map.ts';
import type { AccountChange, Balances } from '../domain/posting/balances.ts';
import type { Result } from '../domain/statistics/results.ts';

/** A slip and its hold in the books. */
export interface SlipInBooks {
  readonly slip: FollowedSlip;
  readonly hold: Hold | null;
  /** How many entries it has in the books. */
  readonly entries: number;
  /** Beside its row lies its state after the event of this version; what came since is read from the log. 0: none does. */
  readonly snapshotAt: number;
}

/** As the database has it. */
export interface StoredSlip extends SlipInBooks {
  /** The version at which its row was written; the log may be ahead of it. */
  readonly writtenAt: number;
}

/** A record of the log with what it became there. */
export interface LogEntry {
  readonly record: LogRecord;
  readonly version: number;
  readonly chain: Hash;
  /** Of the slip, after it. */
  readonly status: SlipStatus;
  /** Of its leaf; null: it got none with this row, because it was set aside before. */
  readonly mark: number | null;
}

/** A record of which nobody can say what slip it belongs to, or that may not count: kept as it came. */
export interface AsideEntry {
  readonly leaf: Leaf;
  readonly mark: number | null;
}

/** A slip as a batch leaves it. Its state is to be kept where `snapshotAt` is its version. */
export interface SlipChange extends SlipInBooks {
  /** As it was loaded; null: there was none. */
  readonly before: StoredSlip | null;
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
  readonly aside: readonly AsideEntry[];
  readonly trees: readonly GrownTree[];
  readonly slips: readonly SlipChange[];
  readonly tags: readonly LoggedTag[];
  readonly transactions: readonly NumberedTransaction[];
  readonly changes: readonly PartitionChange[];
}

/** A record that was handled before, as it came again. */
export interface Resent {
  readonly partition: number;
  readonly slipId: string;
  /** Under which it waited if it was set aside; null: the record has no key. */
  readonly key: string | null;
  readonly source: string;
  readonly sequence: number;
  readonly offset: number;
  readonly digest: Hash;
}

/** What a ledger that is older than its log has read of what it said, and not booked yet. */
export interface Lost {
  /** Of these, all that it said is on its way to be known: nothing else is said about their slips now. */
  readonly foldedBack: ReadonlySet<number>;
  of(slipIds: readonly string[]): Promise<Pick<PastParts, 'told' | 'late'>>;
  /** Answers that were booked, and cues that were put off. */
  keep(taken: readonly ToldAnswer[], late: readonly LateCue[]): Promise<void>;
}

/** A cue that was put off until everything is known. */
export interface LateCue {
  readonly partition: number;
  readonly offset: number;
  readonly slipId: string;
}

/** One database transaction of the ledger; each call is a few statements for the whole batch. */
export interface LedgerTx {
  /** As committed; asked of the database only where they are not remembered. */
  load(slipIds: readonly string[]): Promise<ReadonlyMap<string, StoredSlip>>;
  /** The trees of partitions, over all that the log has of them. */
  trees(partitions: readonly number[]): Promise<ReadonlyMap<number, LogTree>>;
  /** Those whose bytes are not the ones that were handled. */
  differing(resent: readonly Resent[]): Promise<readonly Resent[]>;
  /**
   * What is known here of commits that the database lost, before anything else is asked; null: nothing was lost of these partitions.
   * @throws SlipstreamError unavailable while that has not been read
   */
  lost(partitions: readonly number[]): Promise<Lost | null>;
  /**
   * Balances to decide by: until this transaction ends nobody else decides by them.
   * @throws SlipstreamError unavailable while what was posted on some partition may not be known here
   */
  lockBalances(accounts: readonly AccountKey[]): Promise<Balances>;
  /** @throws InvariantError when a slip, a tree or an account was not as expected */
  write(booking: Booking): Promise<void>;
  /** Called once all of it is known to be committed, and never else. */
  afterCommit(then: () => void): void;
}

/** What the batch handler tells the operator. */
export interface LedgerMonitor {
  eventsAppended(count: number): void;
  postingsBooked(count: number): void;
  /** What became of a live slip; each result once in its life. */
  slipReached(result: Result, provider: string, route: string): void;
  unknownType(type: string): void;
  /** An event did not fit where it stands in the log; it was folded all the same. */
  anomaly(anomaly: Anomaly): void;
  resentBytesDiffer(resent: Resent): void;
}
