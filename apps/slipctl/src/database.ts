import pg from 'pg';
import { CliError, messageOf } from './exit.ts';

const connectMsMax = 10_000;
const rowsPerFetch = 2_000;

/** A database as it was at one moment, however long the look takes; nothing in it is changed. */
export class Snapshot {
  readonly #client: pg.Client;
  /** As in "the ledger's database". */
  readonly #what: string;
  #cursors = 0;

  private constructor(client: pg.Client, what: string) {
    this.#client = client;
    this.#what = what;
  }

  /** @throws CliError (unreachable) */
  static async open(url: string, what: string): Promise<Snapshot> {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'slipctl',
      connectionTimeoutMillis: connectMsMax,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('begin transaction isolation level repeatable read, read only');
      // It is taken by the first query, and not by its beginning.
      await client.query('select 1');
      return new Snapshot(client, what);
    } catch (error) {
      await client.end().catch(() => {});
      throw unreadable(what, error);
    }
  }

  /** @throws CliError (unreachable) */
  async rows<T extends pg.QueryResultRow>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    try {
      return (await this.#client.query<T>(sql, parameters)).rows;
    } catch (error) {
      throw unreadable(this.#what, error);
    }
  }

  /** The same a few at a time, however many there are. */
  async *each<T extends pg.QueryResultRow>(sql: string): AsyncGenerator<T> {
    const cursor = `look_${++this.#cursors}`;
    await this.rows(`declare ${cursor} no scroll cursor for ${sql}`);
    for (;;) {
      const rows = await this.rows<T>(`fetch ${rowsPerFetch} from ${cursor}`);
      yield* rows;
      if (rows.length < rowsPerFetch) break;
    }
    await this.rows(`close ${cursor}`);
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

/** The database is there, and does not know the login, or has no such database. */
const refusals = ['28000', '28P01', '3D000'];

function unreadable(what: string, error: unknown): CliError {
  const isRefused = refusals.includes((error as { code?: string }).code ?? '');
  return new CliError(isRefused ? 'usage' : 'unreachable', `${what} cannot be read: ${messageOf(error)}`);
}
