import type { Posting } from '@slipstream/slip';
import { type AccountKey, AccountMap } from './account-map.ts';

export interface AccountChange extends AccountKey {
  readonly change: bigint;
}

/** Sums per account: of balances, or of the changes that postings make. */
export class Balances {
  readonly #entries = new AccountMap<{ key: AccountKey; sum: bigint }>();

  add(key: AccountKey, change: bigint): void {
    const entry = this.#entries.get(key);
    if (entry) entry.sum += change;
    else this.#entries.set(key, { key, sum: change });
  }

  post(clock: string, postings: readonly Posting[]): void {
    for (const { account, direction, amount } of postings) {
      const change = direction === 'credit' ? amount.amount : -amount.amount;
      this.add({ clock, name: account, currency: amount.currency }, change);
    }
  }

  /** Zero for an account that was never used. */
  of(key: AccountKey): bigint {
    return this.#entries.get(key)?.sum ?? 0n;
  }

  changes(): AccountChange[] {
    return Array.from(this.#entries.values(), ({ key, sum }) => ({ ...key, change: sum }));
  }
}
