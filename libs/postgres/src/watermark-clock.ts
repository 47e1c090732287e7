import type { Instant } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from './unit-of-work.ts';

/** How far one clock may be vouched for, by what the service knows beside its outbox. */
export interface ClockBound {
  readonly clock: string;
  /** null: no limit of the service's own (wall clock only), the database clock decides. */
  readonly time: Instant | null;
  readonly closed: boolean;
}

/** A statement of rule 6, ready to be published. */
export interface Watermark {
  readonly clock: string;
  readonly closed: boolean;
  readonly marks: readonly { readonly partition: number; readonly time: Instant; readonly offset: bigint }[];
}

interface Candidate {
  readonly closed: boolean;
  /** Per partition: the last number given out when the clock was read. */
  readonly lastSeqs: ReadonlyMap<number, bigint>;
  readonly times: ReadonlyMap<number, Instant>;
}

const sentSql = 'select partition, sent_seq, end_offset from relay where topic = $1';

/**
 * Reads the clock while holding every sequencer row of a topic (so no writer is in flight), and vouches for that time
 * once everything numbered before has been sent. Candidates wait in a short queue; a newer one that has become true
 * replaces the older.
 */
export class WatermarkClock {
  readonly #unitOfWork: UnitOfWork;
  readonly #topic: string;
  readonly #bounds: (tx: Tx) => Promise<readonly ClockBound[]>;
  readonly #waiting = new Map<string, Candidate[]>();

  /** `bounds` runs in the same transaction, after the clock was read: what it sees committed is numbered already. */
  constructor(unitOfWork: UnitOfWork, topic: string, bounds: (tx: Tx) => Promise<readonly ClockBound[]>) {
    this.#unitOfWork = unitOfWork;
    this.#topic = topic;
    this.#bounds = bounds;
  }

  /** Reads the clock once and gives the watermarks that have become true. */
  async read(): Promise<Watermark[]> {
    const { clock, bounds } = await this.#unitOfWork.run(async (tx) => {
      const clock = await tx.query<{ partition: number; last_seq: string; at: Instant }>(
        'select partition, last_seq, at from read_sequencer_clock($1)',
        [this.#topic],
      );
      return { clock, bounds: await this.#bounds(tx) };
    });
    const lastSeqs = new Map(clock.map((row) => [row.partition, BigInt(row.last_seq)]));
    for (const bound of bounds) {
      const times = new Map(clock.map((row) => [row.partition, limited(row.at, bound)]));
      const queue = this.#waiting.get(bound.clock) ?? [];
      queue.push({ closed: bound.closed, lastSeqs, times });
      // Bounded: when sending lags, intermediate readings are of no use.
      if (queue.length > 8) queue.splice(1, 1);
      this.#waiting.set(bound.clock, queue);
    }
    return this.#ready();
  }

  async #ready(): Promise<Watermark[]> {
    const sent = await this.#unitOfWork.query<{ partition: number; sent_seq: string; end_offset: string }>(
      sentSql,
      [this.#topic],
    );
    const reached = new Map(sent.map((row) => [row.partition, BigInt(row.sent_seq)]));
    const offsets = new Map(sent.map((row) => [row.partition, BigInt(row.end_offset)]));
    const watermarks: Watermark[] = [];
    for (const [clock, queue] of this.#waiting) {
      const last = queue.findLastIndex((candidate) => everySent(candidate, reached));
      if (last < 0) continue;
      const candidate = queue[last]!;
      queue.splice(0, last + 1);
      if (queue.length === 0) this.#waiting.delete(clock);
      const marks = [...candidate.times].map(([partition, time]) => ({
        partition,
        time,
        offset: offsets.get(partition)!,
      }));
      watermarks.push({ clock, closed: candidate.closed, marks });
    }
    return watermarks;
  }
}

function limited(at: Instant, bound: ClockBound): Instant {
  if (bound.time === null) return at;
  return bound.clock === 'wall' && at < bound.time ? at : bound.time;
}

function everySent(candidate: Candidate, reached: ReadonlyMap<number, bigint>): boolean {
  for (const [partition, seq] of candidate.lastSeqs) if ((reached.get(partition) ?? 0n) < seq) return false;
  return true;
}
