import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { grantRights } from './rights.ts';

/** A folder of numbered SQL files, `0001_what_it_does.sql`; applied in order, once, never edited. */
export interface MigrationFolder {
  readonly scope: string;
  readonly directory: string;
  /** Its tables whose rows are never changed or taken away: a run-time role may only read and add to them. */
  readonly appendOnly?: readonly string[];
}

/** The tables of this library: sequencer, outbox, relay, consumer positions, dead letters. */
export const coreMigrations: MigrationFolder = {
  scope: 'core',
  directory: fileURLToPath(new URL('../migrations', import.meta.url)),
};

/** One lock for all migrations of a database, so that instances starting together apply them once. */
const lockKey = 7_146_337_021;

const missingSql = `
select n from unnest($1::text[], $2::text[]) as w(scope, n)
where not exists (select from schema_migration m where m.scope = w.scope and m.name = w.n) limit 1`;

/**
 * Applies what is missing, over a connection of its own without any time limit: an index may take an hour to build, and
 * so long do the instances wait that started beside this one. Throws when an applied file was changed afterwards.
 * `migrationUrl`: of the role that owns the tables, where it is another one than the data source's, which then is given its rights.
 * Without it a role that owns nothing can only see that nothing is missing.
 */
export async function migrate(
  dataSource: DataSource,
  folders: readonly MigrationFolder[],
  migrationUrl: string | null = null,
): Promise<void> {
  const { url = '', applicationName } = dataSource.options as { url?: string; applicationName?: string };
  const client = new pg.Client({
    connectionString: migrationUrl ?? url,
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
    if (migrationUrl === null && !(await mayMigrate(client))) return await requireApplied(client, folders);
    await client.query('select pg_advisory_lock($1)', [lockKey]);
    await client.query(`create table if not exists schema_migration (
      scope text not null, name text not null, digest text not null, applied_at timestamptz not null default now(),
      primary key (scope, name))`);
    for (const folder of folders) await applyFolder(client, folder);
    const appendOnly = new Set(folders.flatMap((folder) => folder.appendOnly ?? []));
    const role = decodeURIComponent(new URL(url).username);
    if (migrationUrl !== null) await grantRights(client, { role, appendOnly });
  } finally {
    await client.end();
  }
}

/** Where nothing was applied yet, the first statement tells. */
async function mayMigrate(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(`select coalesce((
    select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass('schema_migration')), true) as may`);
  return rows[0]!.may;
}

async function requireApplied(client: pg.Client, folders: readonly MigrationFolder[]): Promise<void> {
  const all = await Promise.all(
    folders.map(async ({ scope, directory }) => (await namesIn(directory)).map((name) => ({ scope, name }))),
  );
  const files = all.flat();
  const parameters = [files.map(({ scope }) => scope), files.map(({ name }) => name)];
  const { rows } = await client.query<{ n: string }>(missingSql, parameters);
  if (rows[0]) {
    throw new Error(
      `migration ${rows[0].n} is not applied, and this role does not own the tables: set MIGRATION_DATABASE_URL`,
    );
  }
}

async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
}

async function applyFolder(client: pg.Client, folder: MigrationFolder): Promise<void> {
  const names = await namesIn(folder.directory);
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
