import { backoffMs, restMs } from '@slipstream/kernel';
import { Apart, type FailingPartition } from './apart.ts';
import { Cursors } from './cursors.ts';
import type { Lease, Leases } from './leases.ts';
import {
  areAll,
  assertFollowing,
  lastSeqOf,
  type OutboxRow,
  type Page,
  pagesToSend,
  readPages,
} from './outbox.ts';
import { type RelayProducer, trySend } from './sending.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** Topics that are sent together, over producers of their own: what ails one lane never delays another. */
export interface LaneOptions {
  readonly name: string;
  readonly topics: readonly string[];
  /** Makes a producer; the lane stops what it made. */
  readonly connect: () => RelayProducer;
}

export interface LaneSettings {
  /** How often an idle lane looks for what other instances committed; one that is alone every `aloneMs`. */
  readonly pollMs: number;
  readonly aloneMs: number;
  /** First and longest wait before a failing partition is tried again. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** The broker has what stands up to the lease's `sentSeq`. */
  readonly onSent: (lease: Lease) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Sends committed outbox rows in `seq` order: all partitions in one request, where there are many the next pages read
 * meanwhile; the cursors move after the acknowledgement, so a crash between the two repeats records under the same numbers.
 * While rows trickle in, sends lie apart: each costs a read, a request, a cursor's move and an answer to every consumer, for
 * one row as for twenty. The first after a pause is at once.
 *
 * The partition is the unit of failure. kafkajs sends all or nothing and does not tell what of it arrived, so the
 * partitions of a failed request are sent each by itself ({@link Apart}): a healthy one has its records in the log at
 * most twice and is back at once, the failing one holds up nobody.
 */
export class Lane {
  readonly name: string;
  readonly #topics: ReadonlySet<string>;
  readonly #settings: LaneSettings;
  readonly #unitOfWork: UnitOfWork;
  readonly #leases: Leases;
  readonly #cursors: Cursors;
  readonly #producer: RelayProducer;
  readonly #apart: Apart;
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};
  #endPause: () => void = () => {};
  #woken = false;
  #turnAtMs = performance.now();
  #progressAtMs = performance.now();

  constructor(unitOfWork: UnitOfWork, leases: Leases, options: LaneOptions, settings: LaneSettings) {
    const { connect } = options;
    this.name = options.name;
    this.#topics = new Set(options.topics);
    this.#settings = settings;
    this.#unitOfWork = unitOfWork;
    this.#leases = leases;
    const cursors = new Cursors(unitOfWork, leases, settings.onSent);
    this.#cursors = cursors;
    this.#producer = connect();
    const onProgress = () => this.#advanced();
    const onReturn = () => this.lookAtOnce();
    this.#apart = new Apart({ ...settings, unitOfWork, leases, cursors, connect, onProgress, onReturn });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Something was committed to `topics`: looks at once. */
  wake(topics: ReadonlySet<string>): void {
    for (const topic of topics) if (this.#topics.has(topic)) this.lookAtOnce();
  }

  /** Something may have been committed. */
  lookAtOnce(): void {
    this.#woken = true;
    this.#wake();
  }

  /** Sends what is committed by now; partitions that fail are left to whoever comes next. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.lookAtOnce();
    this.#endPause();
    await this.#running;
    await this.#apart.stop();
    await this.#producer.stop?.();
  }

  /** Milliseconds since something was sent or everything was found sent, failing partitions left out unless all fail. */
  get silentMs(): number {
    return performance.now() - this.#progressAtMs;
  }

  /** Milliseconds since the loop last took a step of any kind, also one that failed. */
  get stuckMs(): number {
    return performance.now() - this.#turnAtMs;
  }

  get failing(): readonly FailingPartition[] {
    return this.#apart.failing;
  }

  /** Rows that the broker will never take, passed over since the start. */
  get passedOver(): number {
    return this.#apart.passedOver;
  }

  async #run(): Promise<void> {
    let ahead: Promise<OutboxRow[]> | null = null;
    for (let failures = 0; ; this.#turnAtMs = performance.now()) {
      try {
        await this.#cursors.store(this.#healthy());
        const isAhead = ahead !== null;
        const rows = await (ahead ?? this.#read());
        ahead = null;
        const pages = pagesToSend(rows, this.#healthy());
        if (pages.length > 0) {
          const begunAtMs = performance.now();
          const areLast = areAll(rows);
          if (!areLast) ahead = this.#readAhead(pages);
          const allSent = await this.#send(pages);
          const sent = pages.reduce((sum, page) => sum + page.rows.length, 0);
          if (areLast) await this.#pause(begunAtMs + restMs(performance.now() - begunAtMs));
          // Alone, what is there besides was committed here meanwhile, and woke this lane.
          if (areLast && this.#leases.isAlone && allSent && sent === rows.length)
            await this.#idle(this.#settings.aloneMs);
        } else if (rows.length === 0 && !isAhead) {
          // What was read ahead may be older than the wake that came meanwhile: then it is looked for again.
          if (this.#stopping) return;
          if (this.#foundAllSent()) this.#advanced();
          await this.#idle(this.#leases.isAlone ? this.#settings.aloneMs : this.#settings.pollMs);
        }
        failures = 0;
      } catch (error) {
        ahead = null;
        this.#settings.onError(error);
        if (this.#stopping) return;
        await this.#idle(backoffMs(++failures, { minMs: 100, maxMs: 1_000 }, Math.random()));
      }
    }
  }

  async #read(): Promise<OutboxRow[]> {
    this.#woken = false;
    const leases = this.#healthy();
    const rows = await readPages(this.#unitOfWork, leases);
    assertFollowing(rows, leases);
    return rows;
  }

  #readAhead(pages: readonly Page[]): Promise<OutboxRow[]> {
    const reached = new Map(pages.map((page) => [page.lease, lastSeqOf(page)]));
    const ahead = readPages(this.#unitOfWork, this.#healthy(), reached);
    ahead.catch(() => {});
    return ahead;
  }

  #healthy(): Lease[] {
    return this.#leases.held().filter((lease) => this.#topics.has(lease.topic) && !this.#apart.has(lease));
  }

  /** Whether all of it was taken. */
  async #send(pages: readonly Page[]): Promise<boolean> {
    const { offsets } = await trySend(this.#producer, pages);
    this.#turnAtMs = performance.now();
    const taken = pages.filter((page) => this.#cursors.took(page, offsets));
    for (const page of pages) if (!taken.includes(page)) this.#apart.add(page.lease);
    if (taken.length > 0) this.#advanced();
    await this.#cursors.store(taken.map((page) => page.lease));
    return taken.length === pages.length;
  }

  /** Without leases nothing is known; and while all partitions fail, nothing was looked at. */
  #foundAllSent(): boolean {
    return this.#leases.isCurrent && (this.#apart.size === 0 || this.#healthy().length > 0);
  }

  #advanced(): void {
    this.#progressAtMs = performance.now();
  }

  /** No wake ends it, but a stop does. */
  async #pause(untilMs: number): Promise<void> {
    const ms = untilMs - performance.now();
    if (ms <= 0 || this.#stopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #idle(ms: number): Promise<void> {
    if (this.#woken || this.#stopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }
}
