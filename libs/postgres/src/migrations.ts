import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataSource, QueryRunner } from 'typeorm';

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

/** Applies what is missing; throws when an applied file was changed afterwards. */
export async function migrate(dataSource: DataSource, folders: readonly MigrationFolder[]): Promise<void> {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('set lock_timeout = 0');
    await runner.query('select pg_advisory_lock($1)', [lockKey]);
    await runner.query(`create table if not exists schema_migration (
      scope text not null, name text not null, digest text not null, applied_at timestamptz not null default now(),
      primary key (scope, name))`);
    for (const folder of folders) await applyFolder(runner, folder);
  } finally {
    await runner.query('select pg_advisory_unlock_all()').catch(() => {});
    await runner.query('reset lock_timeout').catch(() => {});
    await runner.release();
  }
}

async function applyFolder(runner: QueryRunner, folder: MigrationFolder): Promise<void> {
  const names = (await readdir(folder.directory)).filter((name) => name.endsWith('.sql')).sort();
  const applied: { name: string; digest: string }[] = await runner.query(
    'select name, digest from schema_migration where scope = $1',
    [folder.scope],
  );
  const digests = new Map(applied.map((row) => [row.name, row.digest]));
  for (const name of names) {
    const sql = await readFile(join(folder.directory, name), 'utf8');
    const digest = createHash('sha256').update(sql).digest('hex');
    const known = digests.get(name);
    if (known === digest) continue;
    if (known !== undefined)
      throw new Error(`migration ${folder.scope}/${name} was changed after it was applied`);
    await runner.startTransaction();
    try {
      await runner.query(sql);
      await runner.query('insert into schema_migration (scope, name, digest) values ($1, $2, $3)', [
        folder.scope,
        name,
        digest,
      ]);
      await runner.commitTransaction();
    } catch (cause) {
      await runner.rollbackTransaction();
      throw new Error(`migration ${folder.scope}/${name} failed`, { cause });
    }
  }
}
