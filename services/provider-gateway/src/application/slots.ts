import type { Providers } from './ports.ts';

/** Bounds how many calls are in flight per key, and tells when one ends while more may wait for its place. */
export class Slots {
  readonly #limits: ReadonlyMap<string, number>;
  readonly #onError: (error: unknown) => void;
  readonly #taken = new Map<string, number>();
  readonly #inFlight = new Set<Promise<void>>();
  /** All that was free at the last look was taken: more may wait. */
  readonly #short = new Set<string>();

  /** `onError` gets what a call should have caught itself: its row's lease takes care of the rest. */
  constructor(limits: ReadonlyMap<string, number>, onError: (error: unknown) => void) {
    this.#limits = limits;
    this.#onError = onError;
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

  /**
   * Tells of a look for work: how many places were free when it began, and what it found, by key.
   * @returns whether there may be more than it found, and room for it by now
   */
  looked(free: ReadonlyMap<string, number>, found: Iterable<string>): boolean {
    const left = new Map(free);
    for (const key of found) left.set(key, (left.get(key) ?? 0) - 1);
    let mayGoOn = false;
    for (const [key, limit] of this.#limits) {
      if ((left.get(key) ?? 0) > 0) {
        this.#short.delete(key);
        continue;
      }
      this.#short.add(key);
      mayGoOn ||= this.taken(key) < limit;
    }
    return mayGoOn;
  }

  /** Runs `call` in a slot of `key`; `onFree` is called at its end when more may wait for the place. */
  run(key: string, call: () => Promise<void>, onFree: () => void): void {
    this.#taken.set(key, this.taken(key) + 1);
    const running = call()
      .catch(this.#onError)
      .finally(() => {
        this.#taken.set(key, this.taken(key) - 1);
        this.#inFlight.delete(running);
        if (this.#short.has(key)) onFree();
      });
    this.#inFlight.add(running);
  }

  /** Resolves when nothing is in flight any more. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#inFlight]);
  }
}

/** Slots for the dispatch calls and for the inquiries of every provider. */
export function callSlots(
  providers: Providers,
  onError: (error: unknown) => void,
): { readonly dispatchSlots: Slots; readonly inquirySlots: Slots } {
  const all = [...providers.values()];
  const limits = new Map(all.map(({ id, capabilities }) => [id, capabilities.concurrencyMax]));
  const inquiryLimits = new Map(all.map(({ id, capabilities }) => [id, capabilities.inquiryConcurrencyMax]));
  return { dispatchSlots: new Slots(limits, onError), inquirySlots: new Slots(inquiryLimits, onError) };
}
