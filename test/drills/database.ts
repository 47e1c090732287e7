import { setTimeout as sleep } from 'node:timers/promises';
import type { Stack } from '@slipstream/local';
import pg from 'pg';

/** A database of the stack's server, for its superuser. */
export function databaseUrl(stack: Stack, name: string): string {
  const url = new URL(stack.env.DATABASE_URL!);
  url.pathname = `/${name}`;
  return url.href;
}

export async function asSuperuser(
  stack: Stack,
  name: string,
  work: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl(stack, name) });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** Whoever is in the database must enter it anew. */
export function endSessions(stack: Stack, name: string): Promise<void> {
  return asSuperuser(stack, 'postgres', (client) => end(client, name));
}

/** Nobody gets into the database for so long. */
export function closeDatabase(stack: Stack, name: string, forMs: number): Promise<void> {
  return asSuperuser(stack, 'postgres', async (client) => {
    await client.query(`alter database ${name} connection limit 0`);
    await end(client, name);
    await sleep(forMs);
    await client.query(`alter database ${name} connection limit -1`);
  });
}

async function end(client: pg.Client, name: string): Promise<void> {
  await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
}
