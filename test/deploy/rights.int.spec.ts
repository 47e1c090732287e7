import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type OwnedDatabase, ownedDatabase, sharedEnvironment } from '@slipstream/environment';
import { coreMigrations, type MigrationFolder, migrate, openDataSource } from '@slipstream/postgres';
import pg from 'pg';
import { migrations as ledger } from '../../services/ledger/src/migrations.ts';

const environment = sharedEnvironment();
const suffix = randomBytes(4).toString('hex');
const folderOf = (scope: string): MigrationFolder => {
  return { scope, directory: join(import.meta.dirname, '../../services', scope, 'migrations') };
};
const others = ['intake', 'provider-gateway', 'reconciliation'].map(
  (scope) => [scope, folderOf(scope)] as const,
);
const services = [['ledger', ledger] as const, ...others];

/** Of the log and the books nothing is ever changed or taken away. */
const growing = ['aside_log', 'checkpoint', 'entry', 'event_log', 'log_node', 'signing_key'];
const everyday = 'DELETE INSERT SELECT UPDATE';

interface Granted {
  name: string;
  owner: string;
  kind: string;
  rights: string;
}

const grantedSql = `
select c.relname as name, pg_get_userbyid(c.relowner) as owner, c.relkind as kind, (
  select string_agg(p, ' ' order by p) from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) as p
  where has_table_privilege($1, c.oid, p)) as rights
from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') order by 1`;

describe.each(services)('the database of %s', (service, migrations) => {
  const name = `rights_${service.replace('-', '_')}_${suffix}`;
  let database: OwnedDatabase;
  let superuser: pg.Client;
  let runs: pg.Client;
  const migrated = async ({ url, migrationUrl }: { url: string; migrationUrl: string | null }) => {
    const dataSource = await openDataSource({ url, applicationName: 'rights', poolMax: 1 });
    try {
      await migrate(dataSource, [coreMigrations, migrations], migrationUrl);
    } finally {
      await dataSource.destroy();
    }
  };

  beforeAll(async () => {
    database = await ownedDatabase(environment().databaseUrl, name);
    const url = new URL(environment().databaseUrl);
    url.pathname = `/${name}`;
    superuser = new pg.Client({ connectionString: url.href });
    runs = new pg.Client({ connectionString: database.url });
    await superuser.connect();
    await runs.connect();
    await migrated(database);
  });
  afterAll(async () => {
    await runs?.end();
    await superuser?.end();
    const server = new pg.Client({ connectionString: environment().databaseUrl });
    await server.connect();
    await server.query(`drop database if exists "${name}" with (force)`);
    await server.query(`drop role if exists "${name}"`);
    await server.query(`drop role if exists "${name}_owner"`);
    await server.end();
  });

  it('lets the role that runs do what it must with each table, and no more; all is owned by the one that migrates', async () => {
    const { rows } = await superuser.query<Granted>(grantedSql, [name]);
    expect(rows.length).toBeGreaterThan(12);
    for (const { name: table, owner, kind, rights } of rows) {
      const isRead = kind === 'v' || table === 'schema_migration';
      const grows = service === 'ledger' && growing.includes(table);
      const expected = isRead ? 'SELECT' : grows ? 'INSERT SELECT' : everyday;
      expect([table, owner, rights]).toEqual([table, `${name}_owner`, expected]);
    }
    if (service === 'ledger') {
      const tables = rows.filter(({ kind }) => kind === 'r').map((row) => row.name);
      expect(tables).toEqual(expect.arrayContaining(growing));
    }
  });

  it('lets it change no table’s form, turn off no trigger, and take no other role', async () => {
    const first = service === 'ledger' ? 'event_log' : 'outbox';
    for (const sql of [
      `alter table ${first} disable trigger all`,
      `drop table ${first}`,
      `truncate ${first}`,
      'create table mine (n int)',
      `create function mine() returns int language sql as 'select 1'`,
      `set role "${name}_owner"`,
      `set session_replication_role = replica`,
      "insert into schema_migration (scope, name, digest) values ('x', 'y', 'z')",
    ]) {
      await expect(runs.query(sql)).rejects.toThrow(/permission denied|must be owner/);
    }
  });

  it.each(service === 'ledger' ? growing : ['schema_migration'])(
    'lets it change or delete no row of %s',
    async (table) => {
      const column = await firstColumn(table);
      for (const sql of [`delete from ${table}`, `update ${table} set ${column} = ${column}`]) {
        await expect(runs.query(sql)).rejects.toThrow('permission denied');
      }
    },
  );
  const firstColumn = async (table: string) =>
    (
      await superuser.query<{ name: string }>(
        'select attname as name from pg_attribute where attrelid = $1::regclass and attnum = 1',
        [table],
      )
    ).rows[0]!.name;

  it('is started again by a role that owns nothing once all is applied, and not before', async () => {
    await migrated({ url: database.url, migrationUrl: null });
    await superuser.query("delete from schema_migration where scope <> 'core'");
    await expect(migrated({ url: database.url, migrationUrl: null })).rejects.toThrow(
      'is not applied, and this role does not own the tables: set MIGRATION_DATABASE_URL',
    );
  });
});

describe('a database that an older release made', () => {
  const name = `rights_old_${suffix}`;

  it('is taken from the role that runs, with all that is in it', async () => {
    const server = new pg.Client({ connectionString: environment().databaseUrl });
    await server.connect();
    await server.query(`create role "${name}" login password 'old'`);
    await server.query(`create database "${name}" owner "${name}"`);
    const url = new URL(environment().databaseUrl);
    Object.assign(url, { username: name, password: 'old', pathname: `/${name}` });
    const own = await openDataSource({ url: url.href, applicationName: 'old', poolMax: 1 });
    await migrate(own, [coreMigrations, ledger]);
    await own.query(
      "insert into consumer_position (consumer_group, topic, partition) values ('ledger', 't', 0)",
    );
    await own.destroy();

    const database = await ownedDatabase(environment().databaseUrl, name);
    const dataSource = await openDataSource({ url: database.url, applicationName: 'new', poolMax: 1 });
    await migrate(dataSource, [coreMigrations, ledger], database.migrationUrl);
    expect(await dataSource.query('select consumer_group, partition from consumer_position')).toEqual([
      { consumer_group: 'ledger', partition: 0 },
    ]);
    const owned =
      'select count(*)::int as n from pg_class where relowner = (select oid from pg_roles where rolname = $1)';
    expect(await dataSource.query(owned, [name])).toEqual([{ n: 0 }]);
    await expect(dataSource.query('update event_log set mark = 1')).rejects.toThrow('permission denied');
    await dataSource.destroy();
    await server.query(`drop database "${name}" with (force)`);
    await server.query(`drop role "${name}"`);
    await server.query(`drop role "${name}_owner"`);
    await server.end();
  });
});
