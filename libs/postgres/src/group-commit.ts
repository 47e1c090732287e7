/**
 * Collects what arrives while a transaction is running and gives it to the next one as a batch, so that concurrent
 * callers share commits. An idle system commits a lone item at once; `pauseMs` lies between the beginnings of two.
 */
export class GroupCommit<Item, Result> {
  readonly #flush: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #batchSizeMax: number;
  readonly #waitingMax: number;
  readonly #onFull: () => Error;
  #waiting: { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = [];
  #running = 0;
  readonly #parallelMax: number;
  readonly #pauseMs: number;
  #begunAtMs = Number.NEGATIVE_INFINITY;
  /** What a flush takes of late, the next pause included. */
  #roundMs = 0;
  #isDrainDue = false;

  /** `flush` gives one result per item, in order; a rejection fails its whole batch. */
  constructor(
    flush: (items: readonly Item[]) => Promise<readonly Result[]>,
    options: {
      batchSizeMax: number;
      waitingMax: number;
      parallelMax?: number;
      pauseMs?: number;
      onFull: () => Error;
    },
  ) {
    this.#flush = flush;
    this.#batchSizeMax = options.batchSizeMax;
    this.#waitingMax = options.waitingMax;
    this.#parallelMax = options.parallelMax ?? 1;
    this.#pauseMs = options.pauseMs ?? 0;
    this.#onFull = options.onFull;
  }

  submit(item: Item): Promise<Result> {
    if (this.#waiting.length >= this.#waitingMax) return Promise.reject(this.#onFull());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      // The next turn: everything that came in with this one shares its commit.
      this.#drainSoon();
    });
  }

  /**
   * How long an item that comes now waits until its flush begins, as far as the last flushes tell. A flush that takes longer
   * than they did is expected to take as long again.
   */
  get expectedWaitMs(): number {
    if (this.#running < this.#parallelMax) return 0;
    const elapsedMs = performance.now() - this.#begunAtMs;
    const roundMs = Math.max(this.#roundMs, elapsedMs);
    const restMs = elapsedMs < this.#roundMs ? this.#roundMs - elapsedMs : elapsedMs;
    return restMs + Math.floor(this.#waiting.length / this.#batchSizeMax) * roundMs;
  }

  #drainSoon(): void {
    if (this.#isDrainDue || this.#running >= this.#parallelMax) return;
    this.#isDrainDue = true;
    const drain = () => {
      this.#isDrainDue = false;
      void this.#drain();
    };
    const restMs = this.#begunAtMs + this.#pauseMs - performance.now();
    if (restMs > 0) setTimeout(drain, restMs);
    else setImmediate(drain);
  }

  async #drain(): Promise<void> {
    if (this.#running >= this.#parallelMax || this.#waiting.length === 0) return;
    this.#running++;
    const begunAtMs = performance.now();
    this.#begunAtMs = begunAtMs;
    const batch = this.#waiting.splice(0, this.#batchSizeMax);
    if (this.#waiting.length > 0) this.#drainSoon();
    try {
      const results = await this.#flush(batch.map((entry) => entry.item));
      batch.forEach((entry, index) => {
        entry.resolve(results[index]!);
      });
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    } finally {
      this.#running--;
      this.#learn(performance.now() - begunAtMs);
      if (this.#waiting.length > 0) this.#drainSoon();
    }
  }

  #learn(flushMs: number): void {
    const roundMs = Math.max(flushMs, this.#pauseMs);
    this.#roundMs += (roundMs - this.#roundMs) * learningRate;
  }
}

/** How much of what is believed is what the last flush took. */
const learningRate = 0.3;
