import type { UnitOfWork } from './unit-of-work.ts';

/** How many connections one service may ever hold, and what the server has room for. */
export interface ConnectionRoom {
  /** Of the service that asks: all of its pools full. */
  readonly wanted: number;
  /** What the server gives to ordinary users, its databases and roles regarded. */
  readonly allowed: number;
  /** What others hold now. */
  readonly taken: number;
}

export type RoomVerdict =
  | { readonly kind: 'enough' }
  /** It works until the others and this one are busy at once. */
  | { readonly kind: 'tight'; readonly why: string }
  /** It never works at full load, even alone. */
  | { readonly kind: 'none'; readonly why: string };

/** A pool that cannot grow waits 5 s for a connection and then fails whatever it was wanted for: better said at the start. */
export function judgeRoom({ wanted, allowed, taken }: ConnectionRoom): RoomVerdict {
  const numbers = `this service opens up to ${wanted} connections, PostgreSQL allows ${allowed}`;
  if (wanted > allowed) {
    return { kind: 'none', why: `${numbers}: raise max_connections, or the limit of its role or database` };
  }
  if (taken + wanted <= allowed) return { kind: 'enough' };
  const missing = taken + wanted - allowed;
  return {
    kind: 'tight',
    why: `${numbers}, and ${taken} are taken by others: ${missing} may be missing under load; raise max_connections`,
  };
}

// A limit of -1 is none. Superusers are given the reserved ones, too, and have no limits.
const roomSql = `
select least(
    current_setting('max_connections')::int
      - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true), '0')::int,
    nullif(d.datconnlimit, -1), nullif(r.rolconnlimit, -1)) as allowed,
  (select sum(numbackends)::int from pg_stat_database) - $1 as taken
from pg_database d, pg_roles r where d.datname = current_database() and r.rolname = current_user`;

/** Asks the server. @param own connections that this process holds already */
export async function readRoom(unitOfWork: UnitOfWork, wanted: number, own: number): Promise<ConnectionRoom> {
  const [row] = await unitOfWork.query<{ allowed: number; taken: number }>(roomSql, [own]);
  return { wanted, ...row! };
}
