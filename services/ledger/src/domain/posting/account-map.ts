/** The name is the one that postings show. */
export interface AccountKey {
  readonly clock: string;
  readonly name: string;
  readonly currency: string;
}

/** Something for each account. It is looked up by the parts of its key: to join them would cost more than all that is done with it. */
export class AccountMap<Value> {
  readonly #clocks = new Map<string, Map<string, Map<string, Value>>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get({ clock, currency, name }: AccountKey): Value | undefined {
    return this.#clocks.get(clock)?.get(currency)?.get(name);
  }

  set({ clock, currency, name }: AccountKey, value: Value): void {
    const names = within(within(this.#clocks, clock), currency);
    const before = names.size;
    names.set(name, value);
    this.#size += names.size - before;
  }

  *values(): Generator<Value> {
    for (const currencies of this.#clocks.values())
      for (const names of currencies.values()) yield* names.values();
  }
}

function within<Inner>(outer: Map<string, Map<string, Inner>>, key: string): Map<string, Inner> {
  const known = outer.get(key);
  if (known) return known;
  const inner = new Map<string, Inner>();
  outer.set(key, inner);
  return inner;
}
