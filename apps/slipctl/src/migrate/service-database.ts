import { Snapshot } from '../database.ts';
import type { Kept } from './kept.ts';

/** A row of a slip, with what of it never changes. */
export interface KeptRow {
  readonly id: string;
  readonly row: string;
}

export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly at: number;
}

/** The database of a service beside the ledger, as it was at one moment. */
export class ServiceDatabase {
  readonly #snapshot: Snapshot;

  private constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  /** @throws CliError (unreachable) */
  static async open(service: Kept['service'], url: string): Promise<ServiceDatabase> {
    return new ServiceDatabase(await Snapshot.open(url, `the database of ${service}`));
  }

  async count(tables: readonly string[]): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const table of tables) {
      const [row] = await this.#snapshot.rows<{ n: string }>(`select count(*) as n from ${table}`);
      counts[table] = Number(row!.n);
    }
    return counts;
  }

  /** The next number of each partition that it publishes to. */
  numbers(): Promise<Place[]> {
    return this.#places(
      'select topic, partition, next_seq as at from sequencer where next_seq > 1 order by topic, partition',
    );
  }

  /** The next offset of each partition that it reads, by its group. */
  async positions(): Promise<(Place & { readonly group: string })[]> {
    const rows = await this.#snapshot.rows<{
      consumer_group: string;
      topic: string;
      partition: number;
      at: string;
    }>(
      `select consumer_group, topic, partition, next_offset as at from consumer_position where next_offset >= 0
        order by consumer_group, topic, partition`,
    );
    return rows.map(({ consumer_group: group, at, ...place }) => ({ group, ...place, at: Number(at) }));
  }

  /** Slips of which the group has set a record aside: they wait behind it. */
  async setAside(group: string): Promise<ReadonlySet<string>> {
    const rows = await this.#snapshot.rows<{ key: string }>(
      'select distinct key from parked_key where consumer_group = $1',
      [group],
    );
    return new Set(rows.map(({ key }) => key));
  }

  rows(sql: string): AsyncGenerator<KeptRow> {
    return this.#snapshot.each<{ id: string; row: string }>(sql);
  }

  close(): Promise<void> {
    return this.#snapshot.close();
  }

  async #places(sql: string): Promise<Place[]> {
    const rows = await this.#snapshot.rows<{ topic: string; partition: number; at: string }>(sql);
    return rows.map(({ at, ...place }) => ({ ...place, at: Number(at) }));
  }
}
