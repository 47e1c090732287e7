import { createHash } from 'node:crypto';
import pg from 'pg';
import { type Micros, type Posting, readEvent, readOrigin, type Transaction, wall } from './events.ts';
import type { BookedTransaction, Facts, LoggedEvent, OutboxEvent, SetAside } from './facts.ts';
import { eventsTopic } from './read-topic.ts';

/** Each service's database. */
const databases = ['intake', 'provider_gateway', 'ledger', 'reconciliation'] as const;
const rowsPerPage = 5_000;

/** What an entry moves, account by account; without a clock: to or from an account that is not there. */
const linesSql = `
  select e.slip_id, e.n, p.place, a.id as account_id, a.clock, a.currency,
         case when a.kind in ('available', 'held', 'suspense') then 'payer:' when a.kind in ('costs', 'losses') then 'house:' else 'provider:' end || a.owner || ':' || a.kind as name, p.change
    from entry e, lateral (values (1, e.debit, -(e.amount::numeric + coalesce(e.rest, 0))), (2, e.credit, e.amount::numeric),
      (3, e.rest_credit, e.rest::numeric)) as p(place, account_id, change)
    left join account a on a.id = p.account_id
    where p.account_id is not null`;

/**
 * Entries that lead to no account or change clock or currency, accounts of a clock and currency that do not sum to zero,
 * and balances that differ from the fold of the entries.
 */
const imbalancesSql = `
with line as (${linesSql})
select count(*) as n from (
  select 1 from line where clock is null
  union all
  select 1 from line group by slip_id, n having count(distinct (clock, currency)) > 1 or sum(change) <> 0
  union all
  select 1 from line group by clock, currency having sum(change) <> 0
  union all
  select 1 from account group by clock, currency having sum(balance) <> 0
  union all
  select 1 from (select account_id as id, sum(change) as total from line group by account_id) as fold
    full join account a using (id)
    where coalesce(fold.total, 0) <> coalesce(a.balance, 0)
) as wrong`;

const transactionsSql = `
with line as (${linesSql})
select e.id::text, e.slip_id, min(l.clock) as clock, e.type, json_agg(json_build_object('account', l.name,
    'direction', case when l.change < 0 then 'debit' else 'credit' end, 'amount', abs(l.change)::text, 'currency', l.currency)
    order by l.place) as postings
  from entry e join line l on l.slip_id = e.slip_id and l.n = e.n group by e.id, e.slip_id, e.n, e.type`;

const outboxSql = `
select partition, seq, body from outbox_event
 where topic = $1 and (partition, row_seq) > ($2, $3) and (partition, seq) > ($2, $3)
 order by partition, row_seq, seq limit ${rowsPerPage}`;

const logSql = `
select partition, kafka_offset, bytes from event_log
 where (partition, kafka_offset) > ($1, $2) order by partition, kafka_offset limit ${rowsPerPage}`;

const acceptedSql = `
select slip_id::text, (extract(epoch from created_at) * 1000000)::bigint::text as at from slip
 where status in ('submitted', 'in_review') and clock = '${wall}'`;

/** Those that wait still: what was read again or given up by people is no more set aside. */
const setAsideSql = `
select topic, partition, kafka_offset, park_key from dead_letter where status in ('parked', 'queued')`;

/** Every statement below reads with SQL of the checker's own; none calls a function or view of the services. */
export class Databases {
  readonly #url: string;

  /** @param url a superuser's; the services' databases lie on that server under their own names */
  constructor(url: string) {
    this.#url = url;
  }

  async now(): Promise<Micros> {
    const [row] = await this.#query<{ now: string }>(
      'ledger',
      'select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as now',
    );
    return BigInt(row!.now);
  }

  async accepted(): Promise<Facts['accepted']> {
    const rows = await this.#query<{ slip_id: string; at: string }>('intake', acceptedSql);
    return rows.map(({ slip_id, at }) => ({ slipId: slip_id, at: BigInt(at) }));
  }

  async outboxes(): Promise<OutboxEvent[]> {
    const all = await Promise.all(databases.map((database) => this.#outbox(database)));
    return all.flat();
  }

  async log(): Promise<LoggedEvent[]> {
    interface Row {
      partition: number;
      kafka_offset: string;
      bytes: Buffer;
    }
    const log: LoggedEvent[] = [];
    await this.#pages<Row>('ledger', logSql, [], (rows) => {
      for (const { partition, kafka_offset, bytes } of rows) {
        const digest = createHash('sha256').update(bytes).digest('hex');
        log.push({ ...readOrigin(bytes), partition, offset: BigInt(kafka_offset), bytes: digest });
      }
      const last = rows.at(-1)!;
      return [last.partition, last.kafka_offset];
    });
    return log;
  }

  async transactions(): Promise<BookedTransaction[]> {
    interface Row {
      id: string;
      slip_id: string;
      clock: string;
      type: Transaction['type'];
      postings: {
        account: string;
        direction: Posting['direction'];
        amount: string;
        currency: string;
      }[];
    }
    const rows = await this.#query<Row>('ledger', transactionsSql);
    return rows.map(({ id, slip_id, clock, type, postings }) => ({
      id,
      slipId: slip_id,
      clock,
      type,
      postings: postings.map(({ account, direction, amount, currency }) => ({
        account,
        direction,
        amount: { amount: BigInt(amount), currency },
      })),
    }));
  }

  async imbalances(): Promise<number> {
    const [row] = await this.#query<{ n: string }>('ledger', imbalancesSql);
    return Number(row!.n);
  }

  async setAside(): Promise<SetAside[]> {
    interface Row {
      topic: string;
      partition: number;
      kafka_offset: string;
      park_key: string | null;
    }
    const all = await Promise.all(
      databases.map(async (service) =>
        (await this.#query<Row>(service, setAsideSql)).map((row) => ({
          service,
          topic: row.topic,
          partition: row.partition,
          offset: BigInt(row.kafka_offset),
          key: row.park_key,
        })),
      ),
    );
    return all.flat();
  }

  async #outbox(database: string): Promise<OutboxEvent[]> {
    interface Row {
      partition: number;
      seq: string;
      body: Buffer;
    }
    const events: OutboxEvent[] = [];
    await this.#pages<Row>(database, outboxSql, [eventsTopic], (rows) => {
      for (const { partition, seq, body } of rows) {
        const event = readEvent(body);
        if (event === null)
          throw new Error(`the outbox of ${database} holds no event at ${partition} ${seq}`);
        events.push({ partition, seq: BigInt(seq), event });
      }
      const last = rows.at(-1)!;
      return [last.partition, last.seq];
    });
    return events;
  }

  /** Reads page by page behind a key, so that a long table needs little memory at once. */
  async #pages<Row extends pg.QueryResultRow>(
    database: string,
    sql: string,
    parameters: readonly unknown[],
    take: (rows: readonly Row[]) => readonly [number, string],
  ): Promise<void> {
    await this.#connected(database, async (client) => {
      let after: readonly [number, string] = [-1, '-1'];
      for (;;) {
        const { rows } = await client.query<Row>(sql, [...parameters, ...after]);
        if (rows.length > 0) after = take(rows);
        if (rows.length < rowsPerPage) return;
      }
    });
  }

  #query<Row extends pg.QueryResultRow>(database: string, sql: string): Promise<Row[]> {
    return this.#connected(database, async (client) => (await client.query<Row>(sql)).rows);
  }

  async #connected<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const target = new URL(this.#url);
    target.pathname = `/${database}`;
    const client = new pg.Client({
      connectionString: target.href,
      connectionTimeoutMillis: 5_000,
      query_timeout: 120_000,
      options: '-c timezone=UTC',
    });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }
}
