import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { DataSource } from 'typeorm';

/** A folder of numbered SQL files, `0001_what_it_does.sql`; applied in order, once, never edited. */
export interface MigrationFolder {
  readonly scope: string;
  readonly directory: string;
}

/** The tables of this library: sequencer, outbox, relay, consumer positions, dead letters. */
export const coreMigrations: MigrationFolder = {
  scope: 'core',
  directory: fileURLToPath(new URL('../migrations', import.meta.url)),
};

/** One lock for all migrations of a database, so that instances starting together apply them once. */
const lockKey = 7_146_337_021;

/**
 * Applies what is missing, over a connection of its own without any time limit: an index may take an hour to build, and
 * so long do the instances wait that started beside this one. Throws when an applied file was changed afterwards.
 */
export async function migrate(dataSource: DataSource, folders: readonly MigrationFolder[]): Promise<void> {
  const { url, applicationName } = dataSource.options as { url?: string; applicationName?: string };
  const client = new pg.Client({
    connectionString: url,
    application_name: `${applicationName ?? 'slipstream'} migrations`,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    options:
      '-c timezone=UTC -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0',
  });
  // An error beside a query only ends the connection: the query in hand says so.
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [lockKey]);
    await client.query(`create table if not exists schema_migration (
      scope text not null, name text not null, digest text not null, applied_at timestamptz not null default now(),
      primary key (scope, name))`);
    for (const folder of folders) await applyFolder(client, folder);
  } finally {
    await client.end();
  }
}

async function applyFolder(client: pg.Client, folder: MigrationFolder): Promise<void> {
  const names = (await readdir(folder.directory)).filter((name) => name.endsWith('.sql')).sort();
  const applied = await client.query<{ name: string; digest: string }>(
    'select name, digest from schema_migration where scope = $1',
    [folder.scope],
  );
  const digests = new Map(applied.rows.map((row) => [row.name, row.digest]));
  for (const name of names) {
    const sql = await readFile(join(folder.directory, name), 'utf8');
    const digest = createHash('sha256').update(sql).digest('hex');
    const known = digests.get(name);
    if (known === digest) continue;
    if (known !== undefined)
      throw new Error(`migration ${folder.scope}/${name} was changed after it was applied`);
    await client.query('begin');
    try {
      await client.query(sql);
      await client.query('insert into schema_migration (scope, name, digest) values ($1, $2, $3)', [
        folder.scope,
        name,
        digest,
      ]);
      await client.query('commit');
    } catch (cause) {
      // Without a connection there is nothing to roll back, and the cause says more.
      await client.query('rollback').catch(() => {});
      throw new Error(`migration ${folder.scope}/${name} failed`, { cause });
    }
  }
}
