import { randomBytes } from 'node:crypto';
import pg from 'pg';

/**
 * Makes an empty database whose name starts with `name` and is unique on the server.
 * @param databaseUrl of a role that may create databases
 * @returns the URL of the new database, with the same role
 */
export async function createDatabase(databaseUrl: string, name: string): Promise<string> {
  const unique = `${name.slice(0, 40)}_${randomBytes(5).toString('hex')}`;
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query(`create database ${client.escapeIdentifier(unique)}`);
  } finally {
    await client.end();
  }
  const url = new URL(databaseUrl);
  url.pathname = `/${encodeURIComponent(unique)}`;
  return url.href;
}
