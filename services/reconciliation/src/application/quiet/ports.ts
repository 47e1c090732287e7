import type { Instant } from '@slipstream/kernel';
import type { RecordedEvent, StagePolicy } from '@slipstream/slip';
import type { SlotStep } from '../returns/tally.ts';
import type { IdList } from './slip-ids.ts';
import type { Way } from './ways.ts';

/** What was hot on a partition when everything below an offset was read. */
export interface Snapshot {
  readonly offset: number;
  /** The last number read of each source. */
  readonly sequences: ReadonlyMap<string, number>;
  readonly slips: number;
  readonly chunks: readonly Buffer[];
  /** How the chunks are written. */
  readonly format: number;
  readonly ways: readonly Way[];
  readonly stages: readonly StagePolicy[];
}

/**
 * From this offset on the slip is not followed in memory, and an event there does not begin it: it was looked at, and is a
 * row since, or is over. The topic does not tell when that was, so it is kept until the next snapshot.
 */
export interface Departure {
  readonly partition: number;
  readonly offset: number;
  readonly slipId: string;
}

export interface Recovered {
  readonly snapshot: Snapshot;
  /** Since the snapshot; ascending. */
  readonly departures: readonly Departure[];
}

/** What one unit adds to the counts of live slips. */
export interface QuietCounts {
  readonly partition: number;
  readonly slips: number;
  readonly inTime: number;
}

/** What is kept in the database of slips that are followed in memory. */
export interface QuietStore<Tx> {
  /**
   * The partition's latest snapshot. A partition that never had one begins with an empty one at `nextOffset`: what was
   * submitted before is in rows. @throws when the partition has another owner than `epoch`
   */
  recover(partition: number, epoch: number, nextOffset: number): Promise<Recovered>;
  write(tx: Tx, partition: number, snapshot: Snapshot): Promise<void>;
  depart(tx: Tx, departures: readonly Departure[]): Promise<void>;
  count(tx: Tx, counts: readonly QuietCounts[]): Promise<void>;
  /** Keeps what happened, for whoever watches the returns of all partitions. */
  noteReturns(tx: Tx, steps: readonly (readonly SlotStep[])[]): void;
  /** Those of the slips that have a row. */
  known(tx: Tx, slips: readonly IdList[]): Promise<readonly string[]>;
  now(tx: Tx): Promise<Instant>;
  /** When the earliest deadline of each partition is due, for the instance that tells the others; null: none. */
  keepDue(due: ReadonlyMap<number, Instant | null>): Promise<void>;
}

/** The topic, read again. */
export interface SlipLog {
  /** The events at these offsets, which ascend. */
  events(partition: number, offsets: readonly number[]): Promise<ReadonlyMap<number, RecordedEvent>>;
}
