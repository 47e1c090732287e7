import { assert, type Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { type AccountKey, AccountMap } from '../../domain/posting/account-map.ts';
import { Balances } from '../../domain/posting/balances.ts';
import { type AccountKind, accountName, parseAccountName } from '../../domain/posting/chart.ts';
import { balances, lockBalances, moveBalances, openAccounts } from './tables.ts';

/** Some 130 bytes each. */
const knownMax = 20_000;

/** An account of a partition. */
export interface AccountPlace extends AccountKey {
  readonly partition: number;
}

/** What is changed of an account. */
export interface AccountMove extends AccountPlace {
  readonly change: bigint;
}

/** When the balances were moved, and the ids of their accounts. */
export interface Moved {
  readonly at: Instant;
  idOf(place: AccountPlace): bigint;
}

/**
 * The ids of accounts, which never change in one database. Those that were committed are remembered as long as the
 * partition is owned.
 */
export class Accounts {
  readonly #known = new PlaceMap();

  /** The partition is claimed anew, perhaps from another database, in which an id may be another account's. */
  forget(partition: number): void {
    this.#known.forget(partition);
  }

  /** Moves balances, one change an account; opens those that are missing. Each is written once. */
  async move(tx: Tx, moves: readonly AccountMove[]): Promise<Moved> {
    const ids = new PlaceMap();
    const known: { id: bigint; change: bigint }[] = [];
    const unknown: AccountMove[] = [];
    for (const move of moves) {
      const id = this.#known.get(move);
      if (id === undefined) unknown.push(move);
      else {
        ids.set(move, id);
        known.push({ id, change: move.change });
      }
    }
    const [opened, moved] = await Promise.all([
      unknown.length === 0 ? null : this.#open(tx, unknown, ids),
      known.length === 0 ? null : moveKnown(tx, known),
    ]);
    return {
      at: (moved ?? opened)!,
      idOf(place) {
        const id = ids.get(place);
        assert(id !== undefined, 'an account that was moved is gone');
        return id;
      },
    };
  }

  async #open(tx: Tx, moves: readonly AccountMove[], ids: PlaceMap): Promise<Instant> {
    const rows = await tx.query<OpenedRow>(
      openAccounts.sql,
      openAccounts.rows.parameters(moves.map((move) => ({ ...toRow(move), change: move.change }))),
    );
    assert(rows.length === moves.length, 'an account was not opened');
    const found = rows.map(({ id, owner, kind, clock, currency, partition }) => {
      const place = { partition, clock, currency, name: accountName({ owner, kind }) };
      ids.set(place, BigInt(id));
      return [place, BigInt(id)] as const;
    });
    tx.afterCommit(() => this.#remember(found));
    return rows[0]!.at;
  }

  #remember(found: readonly (readonly [place: AccountPlace, id: bigint])[]): void {
    if (this.#known.size + found.length > knownMax) this.#known.clear();
    for (const [place, id] of found) this.#known.set(place, id);
  }
}

/** Ids of accounts by their partitions. */
class PlaceMap {
  readonly #partitions = new Map<number, AccountMap<bigint>>();

  get size(): number {
    let sum = 0;
    for (const { size } of this.#partitions.values()) sum += size;
    return sum;
  }

  get(place: AccountPlace): bigint | undefined {
    return this.#partitions.get(place.partition)?.get(place);
  }

  set(place: AccountPlace, id: bigint): void {
    const known = this.#partitions.get(place.partition);
    const accounts = known ?? new AccountMap<bigint>();
    if (!known) this.#partitions.set(place.partition, accounts);
    accounts.set(place, id);
  }

  forget(partition: number): void {
    this.#partitions.delete(partition);
  }

  clear(): void {
    this.#partitions.clear();
  }
}

interface OpenedRow {
  id: string;
  owner: string;
  kind: AccountKind;
  clock: string;
  currency: string;
  partition: number;
  at: Instant;
}

async function moveKnown(tx: Tx, moves: { id: bigint; change: bigint }[]): Promise<Instant> {
  moves.sort((a, b) => (a.id < b.id ? -1 : 1));
  const [moved] = await tx.query<{ n: number; at: Instant }>(
    moveBalances.sql,
    moveBalances.rows.parameters(moves),
  );
  assert(moved?.n === moves.length, 'an account is gone');
  return moved.at;
}

/** Locks accounts against everybody else who decides by them, and gives their balances over all partitions. */
export async function lockedBalances(tx: Tx, keys: readonly AccountKey[]): Promise<Balances> {
  const byKey = new AccountMap<AccountKey>();
  for (const key of keys) byKey.set(key, key);
  const distinct = [...byKey.values()];
  const parameters = balances.rows.parameters(distinct.map((key) => toRow({ partition: 0, ...key })));
  tx.send(lockBalances.sql, parameters);
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
