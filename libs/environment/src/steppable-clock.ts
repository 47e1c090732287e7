import pg from 'pg';

/** From their next connection on, a database's users find its own functions before the server's: see {@link stepClock}. */
export async function makeClockSteppable(url: string): Promise<void> {
  await withClient(url, (client) => {
    const name = client.escapeIdentifier(decodeURIComponent(new URL(url).pathname.slice(1)));
    return client.query(`alter database ${name} set search_path = public, pg_catalog`);
  });
}

/** Sets the clock that the users of such a database see this far from the real one, in milliseconds; 0 puts it right. */
export async function stepClock(url: string, ms: number): Promise<void> {
  await withClient(url, (client) =>
    client.query(`create or replace function public.clock_timestamp() returns timestamptz language sql volatile
      as 'select pg_catalog.clock_timestamp() + interval ''${ms} milliseconds'''`),
  );
}

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
