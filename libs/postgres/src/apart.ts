import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '@slipstream/kernel';
import type { Cursors } from './cursors.ts';
import type { Lease, Leases } from './leases.ts';
import { type OutboxRow, pageRowsMax, pagesToSend, readPages } from './outbox.ts';
import { isTooLarge, type RelayProducer, trySend } from './sending.ts';
import { Spares } from './spares.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** A partition whose last send, by itself, failed. */
export interface FailingPartition {
  readonly topic: string;
  readonly partition: number;
  readonly failures: number;
  readonly error: unknown;
}

export interface ApartOptions {
  readonly unitOfWork: UnitOfWork;
  readonly leases: Leases;
  readonly cursors: Cursors;
  readonly connect: () => RelayProducer;
  /** First and longest wait before a failing partition is tried again. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  readonly onError: (error: unknown) => void;
  /** A page went out. */
  readonly onProgress: () => void;
  /** A partition goes with the others again, or is no longer ours. */
  readonly onReturn: () => void;
}

/** Partitions that are sent by themselves at the same time, each over a connection of its own. */
const sparesMax = 3;

/**
 * Sends each partition by itself that was part of a failed request, until it goes well again. The healthy ones are back
 * after one page; a failing one waits, longer each time.
 */
export class Apart {
  readonly #options: ApartOptions;
  readonly #spares: Spares<RelayProducer>;
  readonly #failing = new Map<Lease, FailingPartition>();
  readonly #runs = new Map<Lease, Promise<void>>();
  readonly #stop = new AbortController();
  #passedOver = 0;

  constructor(options: ApartOptions) {
    this.#options = options;
    this.#spares = new Spares(options.connect, sparesMax);
  }

  get size(): number {
    return this.#runs.size;
  }

  get failing(): readonly FailingPartition[] {
    return [...this.#failing.values()];
  }

  /** Rows that the broker will never take, passed over since the start. */
  get passedOver(): number {
    return this.#passedOver;
  }

  has(lease: Lease): boolean {
    return this.#runs.has(lease);
  }

  add(lease: Lease): void {
    if (this.#runs.has(lease)) return;
    const run = this.#run(lease).finally(() => {
      this.#failing.delete(lease);
      this.#runs.delete(lease);
      if (this.#runs.size === 0) void this.#spares.rest().catch(this.#options.onError);
      this.#options.onReturn();
    });
    this.#runs.set(lease, run);
  }

  /** Ends after the sends in hand; what fails is left to whoever comes next. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#runs.values());
    await this.#spares.rest();
  }

  /** One that failed often comes back only after several pages went well: each relapse repeats the others' records. */
  async #run(lease: Lease): Promise<void> {
    const { retryMs: minMs, retryMsMax: maxMs, leases, onError, onProgress } = this.#options;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted && leases.isHeld(lease); ) {
      try {
        const isMore = await this.#spares.use((producer) => this.#send(producer, lease, pageRowsMax));
        failures = Math.floor(failures / 2);
        this.#failing.delete(lease);
        onProgress();
        if (!isMore || failures === 0) return;
      } catch (error) {
        failures++;
        this.#failing.set(lease, { topic: lease.topic, partition: lease.partition, failures, error });
        onError(error);
        const waitMs = backoffMs(failures, { minMs, maxMs }, Math.random());
        await sleep(waitMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** Sends the next page of one partition, cut to `rowsMax`; false when there is none. */
  async #send(producer: RelayProducer, lease: Lease, rowsMax: number): Promise<boolean> {
    const { unitOfWork, leases, cursors } = this.#options;
    await cursors.store([lease]);
    const rows = await readPages(unitOfWork, [lease]);
    const [page] = pagesToSend(rows.slice(0, rowsMax), [lease]);
    if (!page || !leases.isHeld(lease)) return false;
    const { offsets, error } = await trySend(producer, [page]);
    if (cursors.took(page, offsets)) {
      await cursors.store([lease]);
      return true;
    }
    if (!isTooLarge(error)) throw error;
    if (page.rows.length > 1) return this.#send(producer, lease, Math.ceil(page.rows.length / 2));
    return this.#passOver(lease, page.rows[0]!, error);
  }

  /**
   * The whole of a dead letter is in its table; only the copy for the topic is given up. An event is never given up: the
   * hole would stop every reader, so its partition waits until people raise the topic's limit.
   */
  async #passOver(lease: Lease, row: OutboxRow, error: unknown): Promise<true> {
    if (row.headers === null) throw error;
    this.#options.onError(error);
    await this.#options.cursors.passOver(lease, row, error instanceof Error ? error.message : String(error));
    this.#passedOver++;
    return true;
  }
}
