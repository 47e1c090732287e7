import { type Instant, instantToMs } from '@slipstream/kernel';

/** The database's time of day, carried on by the monotonic clock: a process's own is not trusted (ARCHITECTURE rule 4). */
export class DatabaseTime {
  /** From the monotonic clock to the time of day; null: the database has said nothing yet. */
  #aheadMs: number | null = null;

  constructor(
    private readonly monotonicMs: () => number,
    /** The process's own, until then. */
    private readonly processMs: () => number,
  ) {}

  /** What the database said just now. */
  hear(now: Instant): void {
    this.#aheadMs = instantToMs(now) - this.monotonicMs();
  }

  nowMs(): number {
    return this.#aheadMs === null ? this.processMs() : this.monotonicMs() + this.#aheadMs;
  }
}
