import pg from 'pg';

/**
 * Replaces the database `to` by a copy of `from`, with its owner, and ends every session of both. What a backup is to a
 * service: taken aside, and put back later.
 * @param superuserUrl of another database on the same server
 */
export async function copyDatabase(superuserUrl: string, from: string, to: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const [source, copy] = [client.escapeIdentifier(from), client.escapeIdentifier(to)];
    const { rows } = await client.query<{ owner: string }>(
      'select pg_get_userbyid(datdba) as owner from pg_database where datname = $1',
      [from],
    );
    if (!rows[0]) throw new Error(`there is no database ${from}`);
    await client.query(`drop database if exists ${copy} with (force)`);
    await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [from]);
    await client.query(
      `create database ${copy} template ${source} owner ${client.escapeIdentifier(rows[0].owner)}`,
    );
    await client.query(`revoke all on database ${copy} from public`);
  } finally {
    await client.end();
  }
}
