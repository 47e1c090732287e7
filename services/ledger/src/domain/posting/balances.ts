import type { Posting } from '@slipstream/slip';

export interface AccountKey {
  readonly clock: string;
  readonly name: string;
  readonly currency: string;
}

export interface AccountChange extends AccountKey {
  readonly change: bigint;
}

/** Sums per account: of balances, or of the changes that postings make. */
export class Balances {
  readonly #entries = new Map<string, { key: AccountKey; sum: bigint }>();

  add(key: AccountKey, change: bigint): void {
    const id = idOf(key);
    const entry = this.#entries.get(id);
    if (entry) entry.sum += change;
    else this.#entries.set(id, { key, sum: change });
  }

  post(clock: string, postings: readonly Posting[]): void {
    for (const { account, direction, amount } of postings) {
      const change = direction === 'credit' ? amount.amount : -amount.amount;
      this.add({ clock, name: account, currency: amount.currency }, change);
    }
  }

  /** Zero for an account that was never used. */
  of(key: AccountKey): bigint {
    return this.#entries.get(idOf(key))?.sum ?? 0n;
  }

  changes(): AccountChange[] {
    return [...this.#entries.values()].map(({ key, sum }) => ({ ...key, change: sum }));
  }
}

/** PostgreSQL's text holds no NUL, so ids are distinct. */
function idOf({ clock, name, currency }: AccountKey): string {
  return `${clock}\0${name}\0${currency}`;
}
