import type { Instant } from '@slipstream/kernel';

/** A row of an account, and what its entries add up to behind `since`. */
export interface AccountFold {
  readonly id: bigint;
  /** For people. */
  readonly name: string;
  readonly balance: bigint;
  /** Of the entries that were read. */
  readonly change: bigint;
  /** When the last of them was booked; null: there is none. */
  readonly until: Instant | null;
  /** Whether there are no more, at the moment at which the balance was read. */
  readonly isAll: boolean;
}

export interface BalanceReads {
  /** Ids of rows of accounts behind this one, ascending. */
  accountsAfter(id: bigint, count: number): Promise<readonly bigint[]>;
  /** Everything of one moment; of each account the first entries behind a time, about so many. */
  fold(
    accounts: readonly { readonly id: bigint; readonly since: Instant | null }[],
    entriesMax: number,
  ): Promise<readonly AccountFold[]>;
}

export interface BalanceMonitor {
  /** An account is as its entries say. */
  balanceChecked(): void;
  balanceBroken(account: string, balance: bigint, folded: bigint): void;
  /** So many are known to be broken now. */
  balancesBroken(count: number): void;
}

/** How far the entries of an account were folded. */
interface Folded {
  readonly total: bigint;
  readonly until: Instant | null;
  /** From its first entry on, in one go. */
  readonly isFresh: boolean;
}

const accountsAtOnce = 50;
/** Accounts with more entries than a look takes, looked at in one go. */
const unfinishedAtOnce = 12;
const foldedMax = 10_000;

/**
 * Looks whether balances are the fold of their entries, a few accounts at a time and one round after the other. An account with
 * many entries is folded over several looks, and goes on from there in the next round.
 */
export class BalanceCheck {
  readonly #reads: BalanceReads;
  readonly #monitor: BalanceMonitor;
  readonly #entriesMax: number;
  readonly #folded = new Map<bigint, Folded>();
  readonly #broken = new Map<bigint, string>();
  #unfinished: bigint[] = [];
  #after = 0n;

  constructor(reads: BalanceReads, monitor: BalanceMonitor, entriesMax = 5_000) {
    this.#reads = reads;
    this.#monitor = monitor;
    this.#entriesMax = entriesMax;
  }

  /** Accounts that were found to differ, and not right again since. */
  get broken(): readonly string[] {
    return [...this.#broken.values()];
  }

  /** Looks at the next accounts. True: a round has ended with them. */
  async look(): Promise<boolean> {
    const again = this.#unfinished.splice(0, unfinishedAtOnce);
    const wanted = accountsAtOnce - again.length;
    const next = await this.#reads.accountsAfter(this.#after, wanted);
    const isRound = next.length < wanted;
    this.#after = isRound ? 0n : next.at(-1)!;
    const ids = [...again, ...next.filter((id) => !again.includes(id) && !this.#unfinished.includes(id))];
    const asked = ids.map((id) => ({ id, since: this.#folded.get(id)?.until ?? null }));
    const folds = asked.length === 0 ? [] : await this.#reads.fold(asked, this.#entriesMax);
    for (const fold of folds) this.#judge(fold);
    this.#monitor.balancesBroken(this.#broken.size);
    return isRound && this.#unfinished.length === 0;
  }

  #judge({ id, name, balance, change, until, isAll }: AccountFold): void {
    const before = this.#folded.get(id);
    const total = (before?.total ?? 0n) + change;
    const isFresh = before?.isFresh ?? true;
    this.#folded.delete(id);
    if (!isAll) {
      this.#remember(id, { total, until, isFresh });
      this.#unfinished.push(id);
    } else if (total === balance) {
      this.#monitor.balanceChecked();
      this.#broken.delete(id);
      // Its entries are too many to be read each time.
      if (before !== undefined) this.#remember(id, { total, until: until ?? before.until, isFresh: false });
    } else if (!isFresh) {
      // Perhaps one was booked at an earlier time than the last that was folded: all of it, before anybody is alarmed.
      this.#unfinished.push(id);
    } else {
      this.#broken.set(id, name);
      this.#monitor.balanceBroken(name, balance, total);
    }
  }

  #remember(id: bigint, folded: Folded): void {
    this.#folded.set(id, folded);
    const [oldest] = this.#folded.keys();
    if (this.#folded.size > foldedMax) this.#folded.delete(oldest!);
  }
}
