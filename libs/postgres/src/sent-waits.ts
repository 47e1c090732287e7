import { setTimeout as sleep } from 'node:timers/promises';
import type { Lease, Leases } from './leases.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** A number that a transaction gave to a record. */
export interface SentPlace {
  readonly topic: string;
  readonly partition: number;
  readonly seq: bigint;
}

/**
 * True once the record is acknowledged on its topic; false when it is not at `untilMs` (monotonic), or when it may never
 * come there.
 */
export type WhenSent = (place: SentPlace, untilMs: number) => Promise<boolean>;

export interface SentWaitsOptions {
  /** How often it is looked for what other instances sent, and for waits that are over. */
  readonly pollMs: number;
  readonly monotonicMs?: () => number;
  readonly onError: (error: unknown) => void;
}

interface Wait extends SentPlace {
  readonly untilMs: number;
  readonly end: (sent: boolean) => void;
}

const sentSql = `
select r.topic, r.partition, r.sent_seq from relay r
join unnest($1::text[], $2::int[]) as w(topic, partition) on r.topic = w.topic and r.partition = w.partition`;

interface SentRow {
  topic: string;
  partition: number;
  sent_seq: string;
}

/**
 * Wakes who waits for a committed record to be on its topic: what must not be done before a lost database could be
 * rebuilt from the log. Own partitions wake at the acknowledgement; those that another instance sends are looked up,
 * all in one statement. Nothing runs while nobody waits.
 */
export class SentWaits {
  readonly #unitOfWork: Pick<UnitOfWork, 'query'>;
  readonly #leases: Pick<Leases, 'get' | 'isHeld' | 'isOpen'>;
  readonly #options: Required<SentWaitsOptions>;
  readonly #waiting = new Set<Wait>();
  #term = 0;
  #watching = false;

  constructor(
    unitOfWork: Pick<UnitOfWork, 'query'>,
    leases: Pick<Leases, 'get' | 'isHeld' | 'isOpen'>,
    options: SentWaitsOptions,
  ) {
    this.#unitOfWork = unitOfWork;
    this.#leases = leases;
    this.#options = { monotonicMs: () => performance.now(), ...options };
  }

  /**
   * To be taken BEFORE the transaction that numbers the records: once the database may be another one, in which the
   * same numbers stand for other records, it says false for ever.
   */
  watch(): WhenSent {
    const term = this.#term;
    return async (place, untilMs) => term === this.#term && this.#wait(place, untilMs);
  }

  /** The database may be another one now: nobody learns any more whether its record was sent. */
  abandon(): void {
    this.#term++;
    for (const wait of this.#waiting) this.#end(wait, false);
  }

  /** The broker acknowledged up to `lease.sentSeq`. */
  reached(lease: Lease): void {
    if (this.#waiting.size === 0 || !this.#leases.isHeld(lease)) return;
    const { topic, partition } = lease;
    for (const wait of this.#waiting) {
      if (wait.topic === topic && wait.partition === partition && wait.seq <= lease.sentSeq)
        this.#end(wait, true);
    }
  }

  #wait(place: SentPlace, untilMs: number): Promise<boolean> {
    const lease = this.#leases.get(place.topic, place.partition);
    if (lease && lease.sentSeq >= place.seq) return Promise.resolve(true);
    return new Promise((end) => {
      this.#waiting.add({ ...place, untilMs, end });
      if (!this.#watching) void this.#watch();
    });
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    while (this.#waiting.size > 0) {
      await sleep(this.#options.pollMs);
      const now = this.#options.monotonicMs();
      for (const wait of this.#waiting) {
        // Acknowledged while the lease had lapsed, or sent by the owner before: nothing more need come.
        const lease = this.#leases.get(wait.topic, wait.partition);
        if (lease && lease.sentSeq >= wait.seq) this.#end(wait, true);
        else if (now >= wait.untilMs) this.#end(wait, false);
      }
      await this.#lookUp().catch(this.#options.onError);
    }
    this.#watching = false;
  }

  /** What other instances sent. Not asked while a partition is closed: then its database may be another one. */
  async #lookUp(): Promise<void> {
    const term = this.#term;
    const elsewhere = [...this.#waiting].filter(
      ({ topic, partition }) =>
        this.#leases.isOpen({ topic, partition }) && this.#leases.get(topic, partition) === undefined,
    );
    if (elsewhere.length === 0) return;
    const rows = await this.#unitOfWork.query<SentRow>(sentSql, [
      elsewhere.map(({ topic }) => topic),
      elsewhere.map(({ partition }) => partition),
    ]);
    if (term !== this.#term) return;
    const sent = new Map(rows.map((row) => [`${row.topic} ${row.partition}`, BigInt(row.sent_seq)]));
    for (const wait of elsewhere) {
      if ((sent.get(`${wait.topic} ${wait.partition}`) ?? -1n) >= wait.seq) this.#end(wait, true);
    }
  }

  #end(wait: Wait, sent: boolean): void {
    if (this.#waiting.delete(wait)) wait.end(sent);
  }
}
