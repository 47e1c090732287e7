import { assert } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { type AccountKey, Balances } from '../../domain/posting/balances.ts';
import { parseAccountName } from '../../domain/posting/chart.ts';
import { accountIds, balances, lockBalances, openAccounts } from './tables.ts';

const knownMax = 50_000;

/**
 * The ids of accounts, which never change. Those seen committed are remembered; what this very transaction opened is
 * not, because it may be rolled back.
 */
export class Accounts {
  readonly #known = new Map<string, string>();

  /** Ids of a partition's accounts, in the order asked; opens those that are missing. */
  async idsOf(tx: Tx, partition: number, keys: readonly AccountKey[]): Promise<string[]> {
    const ids = keys.map((key) => this.#known.get(placeOf(partition, key)) ?? null);
    await this.#ask(tx, partition, keys, ids);
    const missing = keys.filter((_, index) => ids[index] === null);
    if (missing.length > 0) {
      await tx.query(openAccounts.sql, [partition, ...openAccounts.rows.parameters(missing.map(toRow))]);
      await this.#ask(tx, partition, keys, ids);
    }
    return ids.map((id) => {
      assert(id !== null, 'an account that was opened is gone');
      return id;
    });
  }

  async #ask(tx: Tx, partition: number, keys: readonly AccountKey[], ids: (string | null)[]): Promise<void> {
    const places = keys.flatMap((_, index) => (ids[index] === null ? [index] : []));
    if (places.length === 0) return;
    const asked = places.map((index) => toRow(keys[index]!));
    const found = await tx.query<{ place: number; id: string; own: boolean }>(accountIds.sql, [
      partition,
      ...accountIds.rows.parameters(asked),
    ]);
    if (this.#known.size + found.length > knownMax) this.#known.clear();
    for (const { place, id, own } of found) {
      const index = places[place - 1]!;
      ids[index] = id;
      if (!own) this.#known.set(placeOf(partition, keys[index]!), id);
    }
  }
}

/** Locks accounts against everybody else who decides by them, and gives their balances over all partitions. */
export async function lockedBalances(tx: Tx, keys: readonly AccountKey[]): Promise<Balances> {
  const distinct = [...new Map(keys.map((key) => [placeOf(0, key), key])).values()];
  const parameters = balances.rows.parameters(distinct.map(toRow));
  await tx.query(lockBalances.sql, parameters);
  const rows = await tx.query<{ place: number; balance: string }>(balances.sql, parameters);
  const found = new Balances();
  for (const { place, balance } of rows) found.add(distinct[place - 1]!, BigInt(balance));
  return found;
}

function toRow({ clock, name, currency }: AccountKey) {
  const account = parseAccountName(name);
  assert(account !== null, `${JSON.stringify(name)} is no name of an account`);
  return { ...account, clock, currency };
}

/** PostgreSQL's text holds no NUL, so places are distinct. */
function placeOf(partition: number, { clock, name, currency }: AccountKey): string {
  return `${partition}\0${clock}\0${currency}\0${name}`;
}
