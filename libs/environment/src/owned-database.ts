import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** A database with the two roles of a service. */
export interface OwnedDatabase {
  /** With the role that runs: it owns nothing, and may connect to no other database made like this. */
  readonly url: string;
  /** With the role that owns the database and all that is in it. */
  readonly migrationUrl: string;
}

/**
 * A database `name` with a role `name_owner` that owns it and a role `name` that runs. What exists is kept, but what the
 * role that runs owned belongs to the other from then on. The passwords are new each time, so only the latest caller can log in.
 * @param superuserUrl of the server
 */
export async function ownedDatabase(superuserUrl: string, name: string): Promise<OwnedDatabase> {
  const owner = `${name}_owner`;
  const [runs, owns] = [password(), password()];
  const client = await connected(superuserUrl);
  try {
    await makeRole(client, name, runs);
    await makeRole(client, owner, owns);
    await prepare(client, name, owner);
  } finally {
    await client.end();
  }
  await handOver(urlOf(superuserUrl, name), name, owner);
  return {
    url: urlOf(superuserUrl, name, { user: name, password: runs }),
    migrationUrl: urlOf(superuserUrl, name, { user: owner, password: owns }),
  };
}

const password = (): string => randomBytes(24).toString('base64url');

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  return client;
}

function urlOf(
  superuserUrl: string,
  database: string,
  as?: { readonly user: string; readonly password: string },
): string {
  const url = new URL(superuserUrl);
  if (as) Object.assign(url, { username: as.user, password: as.password });
  url.pathname = `/${database}`;
  return url.href;
}

async function makeRole(client: pg.Client, name: string, secret: string): Promise<void> {
  const role = await client.query('select 1 from pg_roles where rolname = $1', [name]);
  const verb = role.rowCount === 0 ? 'create' : 'alter';
  await client.query(
    `${verb} role ${client.escapeIdentifier(name)} login password ${client.escapeLiteral(secret)}`,
  );
}

async function prepare(client: pg.Client, name: string, owner: string): Promise<void> {
  const [database, to] = [client.escapeIdentifier(name), client.escapeIdentifier(owner)];
  const found = await client.query('select 1 from pg_database where datname = $1', [name]);
  await client.query(
    found.rowCount === 0
      ? `create database ${database} owner ${to}`
      : `alter database ${database} owner to ${to}`,
  );
  await client.query(`revoke all on database ${database} from public`);
  await client.query(`grant connect on database ${database} to ${database}`);
}

/** A database of an older release belongs to the role that runs. */
async function handOver(url: string, from: string, to: string): Promise<void> {
  const client = await connected(url);
  try {
    await client.query(
      `reassign owned by ${client.escapeIdentifier(from)} to ${client.escapeIdentifier(to)}`,
    );
  } finally {
    await client.end();
  }
}
