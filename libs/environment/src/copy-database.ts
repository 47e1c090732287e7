import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/**
 * Replaces the database `to` by a copy of `from`, with its owner, and ends every session of both. What a backup is to a
 * service: taken aside, and put back later.
 * @param superuserUrl of another database on the same server
 */
export async function copyDatabase(superuserUrl: string, from: string, to: string): Promise<void> {
  const options = { connectionString: superuserUrl, connectionTimeoutMillis: 10_000 };
  const [client, ender] = [new pg.Client(options), new pg.Client(options)];
  try {
    await client.connect();
    await ender.connect();
    const [source, copy] = [client.escapeIdentifier(from), client.escapeIdentifier(to)];
    const { rows } = await client.query<{ owner: string }>(
      'select pg_get_userbyid(datdba) as owner from pg_database where datname = $1',
      [from],
    );
    if (!rows[0]) throw new Error(`there is no database ${from}`);
    const { rows: connects } = await client.query<{ role: string }>(
      `select pg_get_userbyid(a.grantee) as role from pg_database d, aclexplode(d.datacl) a
       where d.datname = $1 and a.privilege_type = 'CONNECT' and a.grantee not in (0, d.datdba)`,
      [from],
    );
    await client.query(`drop database if exists ${copy} with (force)`);
    const copied = client.query(
      `create database ${copy} template ${source} owner ${client.escapeIdentifier(rows[0].owner)}`,
    );
    await Promise.all([copied, endSessions(ender, from, copied)]);
    await client.query(`revoke all on database ${copy} from public`);
    for (const { role } of connects) {
      await client.query(`grant connect on database ${copy} to ${client.escapeIdentifier(role)}`);
    }
  } finally {
    await client.end();
    await ender.end();
  }
}

/**
 * A copy lets nobody in, but waits for who is there, and gives up after 5 s. A living service comes back at once: so its sessions
 * are ended while the copy waits, not before it.
 */
async function endSessions(client: pg.Client, database: string, copied: Promise<unknown>): Promise<void> {
  let isCopying = true;
  const ended = () => {
    isCopying = false;
  };
  copied.then(ended, ended);
  while (isCopying) {
    await client.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and backend_type = 'client backend'",
      [database],
    );
    await sleep(20);
  }
}
