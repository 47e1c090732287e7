import { sources, topics } from '@slipstream/contracts';
import { type Instant, parseInstant } from '@slipstream/kernel';
import pg from 'pg';
import type { EventNumber } from './facts.ts';

/** Each service's database and the source it publishes as. */
const databases = [
  { name: 'intake', source: sources.intake },
  { name: 'provider_gateway', source: sources.gateway },
  { name: 'ledger', source: sources.ledger },
  { name: 'reconciliation', source: sources.reconciliation },
] as const;

interface Row {
  source: string;
  partition: number;
  seq: string;
}

/** Postings that don't sum to zero per transaction and currency, and balances that differ from their fold. */
const imbalancesSql = `
select count(*) as n from (
  select 1 from posting group by transaction_id, currency
    having sum(case direction when 'debit' then amount else -amount end) <> 0
  union all
  select 1 from (
    select t.clock, p.account as name, p.currency, sum(case p.direction when 'credit' then p.amount else -p.amount end) as total
      from posting p join transaction t on t.id = p.transaction_id group by 1, 2, 3
  ) as fold full join account a using (clock, name, currency)
    where coalesce(fold.total, 0) <> coalesce(a.balance, 0)
) as wrong`;

/** @param url a superuser's URL; the services' databases lie on that server under their own names */
export async function readOutboxes(url: string): Promise<EventNumber[]> {
  const all = await Promise.all(
    databases.map(({ name, source }) =>
      query<Row>(url, name, 'select $1::text as source, partition, seq from outbox where topic = $2', [
        source,
        topics.events.name,
      ]),
    ),
  );
  return all.flat().map(toNumber);
}

export async function readLog(url: string): Promise<EventNumber[]> {
  return (await query<Row>(url, 'ledger', 'select source, partition, seq from event_log')).map(toNumber);
}

export async function countImbalances(url: string): Promise<number> {
  const [row] = await query<{ n: string }>(url, 'ledger', imbalancesSql);
  return Number(row!.n);
}

export async function databaseNow(url: string): Promise<Instant> {
  const [row] = await query<{ now: string }>(url, 'ledger', 'select clock_timestamp()::text as now');
  return parseInstant(row!.now)!;
}

async function query<T extends pg.QueryResultRow>(
  url: string,
  database: string,
  sql: string,
  parameters: unknown[] = [],
): Promise<T[]> {
  const target = new URL(url);
  target.pathname = `/${database}`;
  const client = new pg.Client({
    connectionString: target.href,
    connectionTimeoutMillis: 5_000,
    query_timeout: 120_000,
    options: '-c timezone=UTC',
  });
  await client.connect();
  try {
    return (await client.query<T>(sql, parameters)).rows;
  } finally {
    await client.end();
  }
}

function toNumber({ source, partition, seq }: Row): EventNumber {
  return { source, partition, seq: BigInt(seq) };
}
