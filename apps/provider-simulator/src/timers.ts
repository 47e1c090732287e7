/** All timers of one simulator, so that stopping it leaves none behind. */
export class Timers {
  readonly #scheduled = new Set<NodeJS.Timeout>();
  readonly #sleepers = new Map<NodeJS.Timeout, () => void>();
  #stopped = false;

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Runs `task` later; returns a function that cancels it. After `stop` nothing is scheduled any more. */
  after(delayMs: number, task: () => void): () => void {
    if (this.#stopped) return () => {};
    const timer = setTimeout(() => {
      this.#scheduled.delete(timer);
      task();
    }, delayMs);
    this.#scheduled.add(timer);
    return () => {
      clearTimeout(timer);
      this.#scheduled.delete(timer);
    };
  }

  /** Resolves after `delayMs`, or at once when the simulator stops: a request that is waiting still gets its reply. */
  sleep(delayMs: number): Promise<void> {
    if (this.#stopped || delayMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#sleepers.delete(timer);
        resolve();
      }, delayMs);
      this.#sleepers.set(timer, resolve);
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#scheduled) clearTimeout(timer);
    this.#scheduled.clear();
    for (const [timer, wake] of this.#sleepers) {
      clearTimeout(timer);
      wake();
    }
    this.#sleepers.clear();
  }
}
