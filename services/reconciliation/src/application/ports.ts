import type { Instant, Money } from '@slipstream/kernel';
import type { Judgeable } from '../domain/deadline/judgeable.ts';
import type { Spent } from '../domain/repair/budget.ts';
import type { WatchedSlip } from '../domain/watch/watched-slip.ts';
import type { Change } from './advance.ts';
import type { Tally } from './returns/tally.ts';

/** Rows of one transaction. */
export const pageSizeMax = 1_000;

/** A page of slips, and the database's time when it was read. */
export interface SlipPage {
  readonly now: Instant;
  readonly slips: readonly WatchedSlip[];
}

/** Where a slip stands among those whose stage is to be told of. */
export interface LatePlace {
  readonly at: Instant;
  readonly slipId: string;
}

/** One transaction on the slips of one partition that this instance owns. */
export interface Unit {
  /** Those of the slips that are kept, watched or archived. */
  byId(slipIds: readonly string[]): Promise<readonly WatchedSlip[]>;
  /** Open slips that can be judged, the oldest deadline first. Here and below slips behind a dead letter are left out. */
  toJudge(range: Judgeable): Promise<SlipPage>;
  /** Slips whose next step is due; a conclusion also needs the answers up to its time to be read. */
  toStep(partition: number, through: Instant): Promise<SlipPage>;
  /**
   * Open live slips whose present stage may have to be told of, after a place, at most so many: the earliest first, and none whose deadline
   * `through` has reached.
   */
  toTellLate(partition: number, through: Instant, after: LatePlace | null, limit: number): Promise<SlipPage>;
  /**
   * Overdue slips of closed clocks about which nothing was concluded yet, after the slip id `after`. Here and below all
   * ranges are of the partition, each of another clock.
   */
  toConclude(partition: number, ranges: readonly Judgeable[], after: string): Promise<SlipPage>;
  /** What refunds took within the last hour; nobody else learns or changes it before this transaction ends. */
  spent(): Promise<Spent>;
  /** Adds refunds to what {@link spent} said, and how many slips our own trouble kept from being sent. */
  spend(refunds: readonly (Money | null)[], ownTrouble: number): void;
  /** Keeps what was dispatched and what came back, for whoever watches the returns of all partitions. */
  noteReturns(tally: Tally): void;
  /** Writes what the slips have become, and where they are kept, and publishes what was decided. */
  save(changes: Iterable<Change>): Promise<void>;
  /**
   * Ends imported clocks on this partition: their counts stay, their rows go, but for those of slips behind a dead letter:
   * redriven, their events still count. Gives those that ended: nothing is changed of one of which a slip that is due still
   * waits for the ledger's answer.
   */
  finishClocks(partition: number, ranges: readonly Judgeable[]): Promise<readonly Judgeable[]>;
}

/** The partitions that this instance owns now. */
export interface OwnedPartitions {
  /** Next offset to be read, by partition. */
  nextOffsets(): ReadonlyMap<number, number>;
  /**
   * Runs `work` in a fenced transaction; false when the partition is no longer ours (nothing is kept then). `judging`: the
   * range that `work` will ask about, so that what is not in the database can be read before.
   */
  inPartition(partition: number, work: (unit: Unit) => Promise<void>, judging?: Judgeable): Promise<boolean>;
}

/** Cheap looks outside of any fence: what they find is read again inside. */
export interface Lookout {
  /** Those of the ranges that have a slip to be judged. */
  withSlipsToJudge(ranges: readonly Judgeable[]): Promise<readonly Judgeable[]>;
  /** Those of the ranges that have a slip that is due but waits for the ledger's answer about its hold. */
  withSlipsAwaitingHold(ranges: readonly Judgeable[]): Promise<readonly Judgeable[]>;
  /** Partitions with a step that is due. */
  withStepsDue(through: ReadonlyMap<number, Instant>): Promise<readonly number[]>;
  /** Partitions with a row whose present stage may have to be told of, as {@link Unit.toTellLate}. */
  withStagesToTell(through: ReadonlyMap<number, Instant>): Promise<readonly number[]>;
  /** Those of the ranges whose clock is concluded on the partition. */
  concluded(ranges: readonly Judgeable[]): Promise<readonly Judgeable[]>;
  keepProgress(ranges: readonly Judgeable[]): Promise<void>;
}
