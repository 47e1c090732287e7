import type { Circuits, Providers } from './ports.ts';

/** Bounds how many calls are in flight per key, and tells when one ends while more may wait for its place. */
export class Slots {
  readonly #limits: ReadonlyMap<string, number>;
  readonly #onError: (error: unknown) => void;
  readonly #taken = new Map<string, number>();
  /** Those who wait until no place is taken. */
  readonly #waiting: (() => void)[] = [];
  /** All that was free at the last look was taken: more may wait. */
  readonly #short = new Set<string>();
  readonly #allowed: (key: string, limit: number) => number;

  /**
   * `onError` gets what a call should have caught itself: its row's lease takes care of the rest. `allowed` tells how many
   * of the `limit` of a key may be taken just now.
   */
  constructor(
    limits: ReadonlyMap<string, number>,
    onError: (error: unknown) => void,
    allowed: (key: string, limit: number) => number = (_, limit) => limit,
  ) {
    this.#limits = limits;
    this.#onError = onError;
    this.#allowed = allowed;
  }

  /** The keys with room, and how much. */
  free(): Map<string, number> {
    const free = new Map<string, number>();
    for (const key of this.#limits.keys()) {
      const left = this.#limit(key) - this.taken(key);
      if (left > 0) free.set(key, left);
    }
    return free;
  }

  taken(key: string): number {
    return this.#taken.get(key) ?? 0;
  }

  /** The keys of which the last look found more than there was room for, or there was none. */
  get short(): readonly string[] {
    return [...this.#short];
  }

  /** Takes every free place, by key: nobody else gets one while it is looked for what may use them. */
  takeFree(): Map<string, number> {
    const free = this.free();
    for (const [key, count] of free) this.#taken.set(key, this.taken(key) + count);
    return free;
  }

  /** Of the places that a look took, those stay taken that are used, by key, once for each. */
  giveBackRest(free: ReadonlyMap<string, number>, used: Iterable<string>): void {
    const rest = new Map(free);
    for (const key of used) rest.set(key, rest.get(key)! - 1);
    for (const [key, count] of rest) this.#taken.set(key, this.taken(key) - count);
    this.#tellIfIdle();
  }

  /** Takes a place; false: none is free, or more may wait for it than the last look could take. */
  take(key: string): boolean {
    if (this.#short.has(key) || this.taken(key) >= this.#limit(key)) return false;
    this.#taken.set(key, this.taken(key) + 1);
    return true;
  }

  /** A place that was taken is not used. */
  giveBack(key: string, onFree: () => void): void {
    this.#taken.set(key, this.taken(key) - 1);
    if (this.#short.has(key)) onFree();
    this.#tellIfIdle();
  }

  /**
   * Tells of a look for work: how many places were free when it began, and what it found, by key.
   * @returns whether there may be more than it found, and room for it by now
   */
  looked(free: ReadonlyMap<string, number>, found: Iterable<string>): boolean {
    const left = new Map(free);
    for (const key of found) left.set(key, (left.get(key) ?? 0) - 1);
    let mayGoOn = false;
    for (const key of this.#limits.keys()) {
      if ((left.get(key) ?? 0) > 0) {
        this.#short.delete(key);
        continue;
      }
      this.#short.add(key);
      mayGoOn ||= this.taken(key) < this.#limit(key);
    }
    return mayGoOn;
  }

  /** Runs `call` in a slot of `key`; `onFree` is called at its end when more may wait for the place. */
  run(key: string, call: () => Promise<void>, onFree: () => void): void {
    this.#taken.set(key, this.taken(key) + 1);
    this.runTaken(key, call, onFree);
  }

  /** As {@link run}, in a place that was taken for it. */
  runTaken(key: string, call: () => Promise<void>, onFree: () => void): void {
    void call()
      .catch(this.#onError)
      .finally(() => this.giveBack(key, onFree));
  }

  /** Resolves when no place is taken any more: by a call in flight, or for what may be one. */
  async idle(): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }

  #limit(key: string): number {
    const limit = this.#limits.get(key);
    return limit === undefined ? 0 : this.#allowed(key, limit);
  }

  #tellIfIdle(): void {
    if (!this.#isIdle()) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #isIdle(): boolean {
    return [...this.#taken.values()].every((taken) => taken === 0);
  }
}

/** Of what a provider bears at once, the part of each of its callers; at least one call, or nothing would ever be sent. */
export function shareOf(limit: number, instances: number): number {
  return Math.max(1, Math.floor(limit / instances));
}

/** Slots for the dispatch calls and for the inquiries of every provider: this instance's share of what all may make. */
export function callSlots(
  providers: Providers,
  circuits: Pick<Circuits, 'allowed' | 'questions'>,
  instances: () => number,
  onError: (error: unknown) => void,
): { readonly dispatchSlots: Slots; readonly inquirySlots: Slots } {
  const all = [...providers.values()];
  const limits = new Map(all.map(({ id, capabilities }) => [id, capabilities.concurrencyMax]));
  const inquiryLimits = new Map(all.map(({ id, capabilities }) => [id, capabilities.inquiryConcurrencyMax]));
  return {
    dispatchSlots: new Slots(limits, onError, (id, limit) =>
      circuits.allowed(id, shareOf(limit, instances())),
    ),
    inquirySlots: new Slots(inquiryLimits, onError, (id, limit) =>
      circuits.questions(id, shareOf(limit, instances())),
    ),
  };
}
