/** Bounds how many calls are in flight per key. */
export class Slots {
  readonly #limits: ReadonlyMap<string, number>;
  readonly #taken = new Map<string, number>();
  readonly #inFlight = new Set<Promise<void>>();

  constructor(limits: ReadonlyMap<string, number>) {
    this.#limits = limits;
  }

  /** The keys with room, and how much. */
  free(): Map<string, number> {
    const free = new Map<string, number>();
    for (const [key, limit] of this.#limits) {
      const left = limit - this.taken(key);
      if (left > 0) free.set(key, left);
    }
    return free;
  }

  taken(key: string): number {
    return this.#taken.get(key) ?? 0;
  }

  /** Runs `call` in a slot of `key`; `call` must not reject. */
  run(key: string, call: () => Promise<void>, onFree: () => void): void {
    this.#taken.set(key, this.taken(key) + 1);
    const running = call().finally(() => {
      this.#taken.set(key, this.taken(key) - 1);
      this.#inFlight.delete(running);
      onFree();
    });
    this.#inFlight.add(running);
  }

  /** Resolves when nothing is in flight, or after `timeoutMs`: then the rest is left to its leases. */
  async idle(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([Promise.allSettled([...this.#inFlight]), patience]);
    clearTimeout(timer);
  }
}
