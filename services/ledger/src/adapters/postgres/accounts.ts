import { assert } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { type AccountKey, Balances } from '../../domain/posting/balances.ts';
import { parseAccountName } from '../../domain/posting/chart.ts';
import { accountIds, balances, lockBalances, openAccounts } from './tables.ts';

const knownMax = 50_000;

/** An account of a partition. */
interface AccountPlace extends AccountKey {
  readonly partition: number;
}

/**
 * The ids of accounts, which never change in one database. Those seen committed are remembered as long as the partition
 * is owned; what this very transaction opened is not, because it may be rolled back.
 */
export class Accounts {
  readonly #known = new Map<string, bigint>();

  /** The partition is claimed anew, perhaps from another database, in which an id may be another account's. */
  forget(partition: number): void {
    const own = `${partition}\0`;
    for (const key of this.#known.keys()) if (key.startsWith(own)) this.#known.delete(key);
  }

  /** Finds accounts and opens those that are missing; gives their ids. */
  async idsOf(tx: Tx, places: readonly AccountPlace[]): Promise<(place: AccountPlace) => bigint> {
    const ids = new Map<string, bigint>();
    const ask = places.filter((place) => {
      const id = this.#known.get(keyOf(place));
      if (id !== undefined) ids.set(keyOf(place), id);
      return id === undefined;
    });
    await this.#ask(tx, ask, ids);
    const missing = ask.filter((place) => !ids.has(keyOf(place)));
    if (missing.length > 0) {
      await tx.query(openAccounts.sql, openAccounts.rows.parameters(missing.map(toRow)));
      await this.#ask(tx, missing, ids);
    }
    return (place) => {
      const id = ids.get(keyOf(place));
      assert(id !== undefined, 'an account that was opened is gone');
      return id;
    };
  }

  async #ask(tx: Tx, places: readonly AccountPlace[], ids: Map<string, bigint>): Promise<void> {
    if (places.length === 0) return;
    const found = await tx.query<{ place: number; id: string; own: boolean }>(
      accountIds.sql,
      accountIds.rows.parameters(places.map(toRow)),
    );
    if (this.#known.size + found.length > knownMax) this.#known.clear();
    for (const { place, id, own } of found) {
      const key = keyOf(places[place - 1]!);
      ids.set(key, BigInt(id));
      if (!own) this.#known.set(key, BigInt(id));
    }
  }
}

/** Locks accounts against everybody else who decides by them, and gives their balances over all partitions. */
export async function lockedBalances(tx: Tx, keys: readonly AccountKey[]): Promise<Balances> {
  const distinct = [...new Map(keys.map((key) => [keyOf({ partition: 0, ...key }), key])).values()];
  const parameters = balances.rows.parameters(distinct.map((key) => toRow({ partition: 0, ...key })));
  await tx.query(lockBalances.sql, parameters);
  const rows = await tx.query<{ place: number; balance: string }>(balances.sql, parameters);
  const found = new Balances();
  for (const { place, balance } of rows) found.add(distinct[place - 1]!, BigInt(balance));
  return found;
}

function toRow({ partition, clock, name, currency }: AccountPlace) {
  const account = parseAccountName(name);
  assert(account !== null, `${JSON.stringify(name)} is no name of an account`);
  return { ...account, clock, currency, partition };
}

/** PostgreSQL's text holds no NUL, so keys are distinct. */
function keyOf({ partition, clock, name, currency }: AccountPlace): string {
  return `${partition}\0${clock}\0${currency}\0${name}`;
}
