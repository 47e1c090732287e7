import { earlier, type Instant, wallClock } from '@slipstream/kernel';
import type { UnitOfWork } from './unit-of-work.ts';

/** How far one clock may be vouched for, by what the service knows beside its outbox. */
export interface ClockBound {
  readonly clock: string;
  /** null: no limit of the service's own (wall clock only), the database clock decides. */
  readonly time: Instant | null;
  /** A further limit of each partition; one that is missing is not vouched for. Absent: none. */
  readonly partitions?: ReadonlyMap<number, Instant>;
  readonly closed: boolean;
}

export interface WatermarkMark {
  readonly partition: number;
  readonly time: Instant;
  readonly offset: bigint;
}

/** A statement of rule 6, ready to be published: the latest mark of every partition that has one. */
export interface Watermark {
  readonly clock: string;
  /** Every partition's last mark was made after the clock was closed. */
  readonly closed: boolean;
  readonly marks: readonly WatermarkMark[];
}

export interface WatermarkReading {
  /** The database's clock. */
  readonly reading: Instant;
  /** What can be vouched for and was not said yet; the wall clock always. */
  readonly watermarks: readonly Watermark[];
}

interface Limit {
  readonly time: Instant;
  readonly closed: boolean;
}

/** True once every event up to `lastSeq` was sent. */
interface Candidate {
  readonly lastSeq: bigint;
  readonly limits: ReadonlyMap<string, Limit>;
}

interface ClockRow {
  partition: number;
  last_seq: string;
  at: Instant | null;
  sent_seq: string;
  end_offset: string;
  reading: Instant;
}

const readSql = 'select partition, last_seq, at, sent_seq, end_offset, reading from read_watermark_clock($1)';

/** When sending lags, intermediate readings are of no use: of too many, one in the middle goes. */
const waitingMax = 8;

/**
 * Reads, partition by partition, until when nothing more can be received, and vouches for that time once everything
 * numbered before has been sent: a partition whose events cannot be sent holds back its own mark alone.
 */
export class WatermarkClock {
  readonly #unitOfWork: UnitOfWork;
  readonly #topic: string;
  readonly #bounds: () => Promise<readonly ClockBound[]>;
  readonly #waiting = new Map<number, Candidate[]>();
  readonly #marks = new Map<string, Map<number, WatermarkMark & { readonly closed: boolean }>>();
  readonly #unsaid = new Set<string>();

  /** `bounds` is asked before the clock is read: what it has seen committed is numbered by then. */
  constructor(unitOfWork: UnitOfWork, topic: string, bounds: () => Promise<readonly ClockBound[]>) {
    this.#unitOfWork = unitOfWork;
    this.#topic = topic;
    this.#bounds = bounds;
  }

  /** Reads the clock once; null when the topic has no partitions here. */
  async read(): Promise<WatermarkReading | null> {
    const bounds = await this.#bounds();
    const rows = await this.#unitOfWork.query<ClockRow>(readSql, [this.#topic]);
    if (rows.length === 0) return null;
    for (const row of rows) this.#take(row, bounds);
    // Also when it says no more than before: the reading is a sign of life.
    this.#unsaid.add(wallClock);
    const watermarks = [...this.#unsaid].map((clock) => this.#watermark(clock, rows.length));
    return { reading: rows[0]!.reading, watermarks };
  }

  /** What was published is not given again; a clock whose last word it was is forgotten. */
  said(watermarks: readonly Watermark[]): void {
    for (const { clock, closed } of watermarks) {
      this.#unsaid.delete(clock);
      if (closed) this.#marks.delete(clock);
    }
  }

  #take(row: ClockRow, bounds: readonly ClockBound[]): void {
    const { partition } = row;
    const waiting = this.#waiting.get(partition) ?? [];
    this.#waiting.set(partition, waiting);
    const limits = limitsOf(row, bounds);
    if (limits.size > 0) waiting.push({ lastSeq: BigInt(row.last_seq), limits });
    if (waiting.length > waitingMax) waiting.splice(1, 1);
    const sentSeq = BigInt(row.sent_seq);
    const last = waiting.findLastIndex((candidate) => candidate.lastSeq <= sentSeq);
    if (last < 0) return;
    const [candidate] = waiting.splice(0, last + 1).slice(-1);
    this.#vouch(partition, candidate!.limits, BigInt(row.end_offset));
  }

  #vouch(partition: number, limits: ReadonlyMap<string, Limit>, offset: bigint): void {
    for (const [clock, { time, closed }] of limits) {
      const marks = this.#marks.get(clock) ?? new Map();
      this.#marks.set(clock, marks);
      const before = marks.get(partition);
      if (before && before.time >= time && before.closed === closed) continue;
      marks.set(partition, { partition, time, offset, closed });
      this.#unsaid.add(clock);
    }
  }

  #watermark(clock: string, partitions: number): Watermark {
    const marks = [...(this.#marks.get(clock)?.values() ?? [])].toSorted((a, b) => a.partition - b.partition);
    return {
      clock,
      closed: clock !== wallClock && marks.length === partitions && marks.every((mark) => mark.closed),
      marks: marks.map(({ partition, time, offset }) => ({ partition, time, offset })),
    };
  }
}

/** How far each clock may be vouched for on a partition, once its events are sent. */
function limitsOf({ partition, at }: ClockRow, bounds: readonly ClockBound[]): ReadonlyMap<string, Limit> {
  const limits = new Map<string, Limit>();
  for (const { clock, time, partitions, closed } of bounds) {
    const all: Instant[] = [];
    if (clock === wallClock) {
      // A writer is in flight and the last event is dated ahead of the clock: nothing can be said.
      if (at === null) continue;
      all.push(at);
    }
    if (time !== null) all.push(time);
    if (partitions) {
      const own = partitions.get(partition);
      if (own === undefined) continue;
      all.push(own);
    }
    if (all.length > 0) limits.set(clock, { time: all.reduce(earlier), closed });
  }
  return limits;
}
