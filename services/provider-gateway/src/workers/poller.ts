import { setTimeout as sleep } from 'node:timers/promises';

export interface PollerOptions {
  readonly name: string;
  /** Does what is due and tells how much it was: after work it is called again soon. */
  readonly work: () => Promise<number>;
  /** After work or a wake the waits grow from `waitMsMin` to `waitMsMax`. */
  readonly waitMsMin: number;
  readonly waitMsMax: number;
  readonly onError: (error: unknown) => void;
  /** Runs after the last round when the worker drains: waits for what it has started. */
  readonly settle?: () => Promise<void>;
}

const errorWaitMs = 500;

/** Looks for due rows again and again: the one loop behind every worker. */
export class Poller {
  readonly name: string;
  readonly #options: PollerOptions;
  readonly #stop = new AbortController();
  #nap = new AbortController();
  #waitMs: number;
  #running: Promise<void> | null = null;

  constructor(options: PollerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#waitMs = options.waitMsMin;
  }

  async start(): Promise<void> {
    this.#running = this.#run();
  }

  /** There may be work, now or in a moment: looks soon and then often. */
  wake(): void {
    this.#waitMs = this.#options.waitMsMin;
    this.#nap.abort();
  }

  /** Ends the round that runs, starts no other, and waits for what was started. */
  async drain(): Promise<void> {
    this.#stop.abort();
    this.#nap.abort();
    await this.#running;
    await this.#options.settle?.();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#nap.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let done = 0;
      let failed = false;
      this.#nap = new AbortController();
      try {
        done = await this.#options.work();
      } catch (error) {
        failed = true;
        this.#options.onError(error);
      }
      if (this.#stop.signal.aborted) return;
      if (done > 0) this.#waitMs = this.#options.waitMsMin;
      await this.#rest(failed ? errorWaitMs : this.#nextWaitMs());
    }
  }

  #nextWaitMs(): number {
    const waitMs = this.#waitMs;
    this.#waitMs = Math.min(waitMs * 2, this.#options.waitMsMax);
    return waitMs;
  }

  /** A wake cuts the rest short, but never below `waitMsMin`: what comes due together shares one transaction. */
  async #rest(ms: number): Promise<void> {
    const { waitMsMin } = this.#options;
    await sleep(Math.min(ms, waitMsMin), undefined, { signal: this.#stop.signal }).catch(() => {});
    if (ms <= waitMsMin || this.#nap.signal.aborted) return;
    await sleep(ms - waitMsMin, undefined, { signal: this.#nap.signal }).catch(() => {});
  }
}
