import 'reflect-metadata';
import type { Instant } from '@slipstream/kernel';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { impatientClients } from './impatient-client.ts';

export interface DataSourceOptions {
  readonly url: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** At least workers + relay + health: a transaction must never wait for a second connection (it would for ever). */
  readonly poolMax?: number;
  /**
   * The database ends a statement that runs longer; 15 s unless told. A server that says nothing is given up 2 s later,
   * so this is also how long its vanishing goes unnoticed: long statements need a pool of their own, with few clients.
   */
  readonly statementTimeoutMs?: number;
  /** Told before a new connection is used when it leads to another database than the last, or its server was started anew. */
  readonly onServerChanged?: () => void;
}

export const poolMaxDefault = 12;

/**
 * A prepared statement keeps the plan that it got after five executions, and a fresh database is planned for tables that
 * are empty: reading them whole costs nothing then, and is what they would be read by for minutes while they fill. So a table
 * with a usable index is never read whole.
 */
const plans = '-c enable_seqscan=off';

const timestamptzOid = 1184;

/**
 * Opens the pool. Waits are bounded: connecting 5 s, a lock 10 s, a statement, an idle transaction 3 s: a process that
 * is paused in the middle of one must not hold the sequencer's rows against the others. A server that says nothing at
 * all, not even that a statement took too long, is given up a little later, with the connections to it; on idle ones
 * TCP asks after 10 s and gives up 10 s later (Node has no TCP_USER_TIMEOUT for the busy ones).
 */
export async function openDataSource(options: DataSourceOptions): Promise<DataSource> {
  const { statementTimeoutMs = 15_000 } = options;
  const dataSource = new DataSource({
    type: 'postgres',
    url: options.url,
    applicationName: options.applicationName,
    connectTimeoutMS: 5_000,
    poolSize: options.poolMax ?? poolMaxDefault,
    entities: [],
    logging: false,
    extra: {
      options: `-c timezone=UTC -c statement_timeout=${statementTimeoutMs} -c lock_timeout=10000 -c idle_in_transaction_session_timeout=3000 ${plans}`,
      pipeline: true,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      query_timeout: statementTimeoutMs + 2_000,
      Client: impatientClients(),
      verify: serverWatch(options.onServerChanged ?? (() => {})),
      types: { getTypeParser },
    },
  });
  return dataSource.initialize();
}

/** timestamptz as an {@link Instant} (a Date would lose the microseconds); int8 and numeric stay strings. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
  return oid === timestamptzOid && format !== 'binary' ? toInstant : pg.types.getTypeParser(oid, format);
}

/** `2026-11-22 10:39:00.12+00` (the session's zone is UTC) as an Instant; the infinities as the ends of time. */
function toInstant(text: string): Instant {
  if (text === '-infinity') return '0001-01-01T00:00:00.000000Z';
  if (text === 'infinity') return '9999-12-31T23:59:59.999999Z';
  const fraction = text.slice(20, text.indexOf('+', 19));
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction.padEnd(6, '0')}Z`;
}

// Also a database that was replaced on the same server is another one.
const identitySql = `
select concat(pg_postmaster_start_time(), ' ', (select oid from pg_database where datname = current_database())) as identity`;

type Verify = (client: pg.PoolClient, done: (error?: Error) => void) => void;

/** pg-pool's hook for new connections, called before anybody gets one (it is not in its types). */
function serverWatch(onServerChanged: () => void): Verify {
  let known: string | null = null;
  return (client, done) => {
    client.query<{ identity: string }>(identitySql).then(({ rows }) => {
      const { identity } = rows[0]!;
      if (known !== null && known !== identity) onServerChanged();
      known = identity;
      done();
    }, done);
  };
}
