import type { Instant } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from '@slipstream/postgres';
import type { Part } from './lifecycle.ts';

/** Nothing may be vouched for yet. */
const never: Instant = '0001-01-01T00:00:00.000000Z';

/**
 * Knows until when an inbound topic is handled (rule 6). It reads the database clock first and then the end offsets,
 * so every record received at or before that time lies below them; once the group has committed past them all, that
 * time is vouched for and the next one is read.
 */
export class InboundBarrier implements Part {
  readonly name: string;
  readonly #unitOfWork: UnitOfWork;
  readonly #endOffsets: () => Promise<ReadonlyMap<number, number>>;
  readonly #topic: string;
  readonly #group: string;
  readonly #refreshMs: number;
  readonly #onError: (error: unknown) => void;
  #asked: { readonly at: Instant; readonly ends: ReadonlyMap<number, number> } | null = null;
  #passed: Instant = never;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    unitOfWork: UnitOfWork,
    endOffsets: () => Promise<ReadonlyMap<number, number>>,
    options: { topic: string; group: string; refreshMs?: number; onError: (error: unknown) => void },
  ) {
    this.name = `barrier ${options.topic}`;
    this.#unitOfWork = unitOfWork;
    this.#endOffsets = endOffsets;
    this.#topic = options.topic;
    this.#group = options.group;
    this.#refreshMs = options.refreshMs ?? 100;
    this.#onError = options.onError;
  }

  async start(): Promise<void> {
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** To be called inside the watermark's transaction: positions committed by now have their events numbered. */
  async bound(tx: Tx): Promise<Instant> {
    if (this.#asked === null) return this.#passed;
    const rows = await tx.query<{ partition: number; next_offset: string }>(
      'select partition, next_offset from consumer_position where consumer_group = $1 and topic = $2',
      [this.#group, this.#topic],
    );
    const positions = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
    for (const [partition, end] of this.#asked.ends) {
      if ((positions.get(partition) ?? -1) < end) return this.#passed;
    }
    this.#passed = this.#asked.at;
    this.#asked = null;
    return this.#passed;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#ask()
        .catch(this.#onError)
        .finally(() => this.#schedule());
    }, this.#refreshMs);
  }

  async #ask(): Promise<void> {
    if (this.#asked !== null) return;
    const [row] = await this.#unitOfWork.query<{ at: Instant }>(
      // Records are received at whole milliseconds, cut: one that comes now may bear the millisecond's beginning.
      "select date_trunc('milliseconds', clock_timestamp()) - interval '1 microsecond' as at",
    );
    this.#asked = { at: row!.at, ends: await this.#endOffsets() };
  }
}
