import { randomUUID } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { encodeSlipEvent, sources, topics } from '@slipstream/contracts';
import { createDatabase } from '@slipstream/environment';
import type { Instant } from '@slipstream/kernel';
import { coreMigrations, migrate, openDataSource, prepareTopics, UnitOfWork } from '@slipstream/postgres';
import pg from 'pg';
import { readLogValue } from '../../services/ledger/src/adapters/kafka/read-log-record.ts';
import { ledgerTx } from '../../services/ledger/src/adapters/postgres/ledger-tx.ts';
import { LostAnswers } from '../../services/ledger/src/adapters/postgres/lost-answers.ts';
import { Remembered } from '../../services/ledger/src/adapters/postgres/remembered.ts';
import { recordBatch } from '../../services/ledger/src/application/record-batch.ts';
import { sha256, transactionId, treeHashes } from '../../services/ledger/src/digests.ts';
import type { LogRecord } from '../../services/ledger/src/domain/log/follow.ts';
import type { Bench } from './core-workloads.ts';
import { type LedgerRecord, ledgerLives, Places } from './ledger-lives.ts';
import { type Sample, timed } from './measure.ts';

export interface LedgerRun {
  readonly events: Sample;
  readonly transactions: Sample;
  readonly rowsPerSlip: number;
  readonly walBytesPerSlip: number;
}

/** As the ledger's subscription has them: four at once, of different partitions. */
const unitRecords = 1_000;
const unitsAtOnce = 4;
const nothing = () => {};
const context = {
  sha256,
  treeHashes,
  monitor: {
    eventsAppended: nothing,
    postingsBooked: nothing,
    slipReached: nothing,
    unknownType: nothing,
    anomaly: nothing,
    resentBytesDiffer: nothing,
  },
  newId: randomUUID,
  transactionId,
};

/**
 * The ledger on whole lives, everything on but Kafka: decoding, log, chains, slips, entries, balances, and its own events
 * numbered into the outbox and read again. The books are checked at the end.
 */
export async function ledgerIngest(bench: Bench, slips: number): Promise<LedgerRun> {
  const url = await createDatabase(bench.databaseUrl, `ledger_${bench.round}`);
  const dataSource = await openDataSource({ url, applicationName: 'bench', poolMax: 4 });
  const directory = fileURLToPath(new URL('../../services/ledger/migrations', import.meta.url));
  await migrate(dataSource, [coreMigrations, { scope: 'ledger', directory }]);
  const unitOfWork = new UnitOfWork(dataSource);
  await prepareTopics(unitOfWork, [topics.events]);
  try {
    const places = new Places();
    const lives = Array.from({ length: unitsAtOnce }, (): { partition: number; value: Buffer }[] => []);
    for (const life of ledgerLives(slips, places)) lives[life.partition % unitsAtOnce]!.push(life);
    const remembered = new Remembered();
    const lost = LostAnswers.none();
    const take = async (records: readonly LogRecord[]): Promise<LedgerRecord[]> => {
      let stamps: readonly { readonly at: Instant }[] = [];
      const result = await unitOfWork.run(async (tx) => {
        tx.afterCommit((told) => {
          stamps = told;
        });
        const answers = await recordBatch(context, ledgerTx(tx, remembered, lost), {
          ...{ records, resent: [], aside: [] },
        });
        const outbound = answers.map(({ id = '', slipId: subject, partition, clock, event, receivedAt }) => ({
          ...{ topic: topics.events.name, partition, key: subject, receivedAt },
          body: encodeSlipEvent({ id, source: sources.ledger, subject, clock }, event),
        }));
        tx.publish(outbound);
        return outbound;
      });
      return result.map(({ partition, body }, n) =>
        places.record(partition, places.stamped(partition, sources.ledger, stamps[n]!.at, body)),
      );
    };
    const wal = await walPosition(unitOfWork);
    const events = await timed(slips * 6, async () => {
      // What a unit answers comes with the next of its partitions; while one is committed, another is read and decided.
      const follow = async (events: readonly { partition: number; value: Buffer }[]) => {
        let own: LedgerRecord[] = [];
        for (let next = 0; next < events.length || own.length > 0; ) {
          const unit = own;
          for (; next < events.length && unit.length < unitRecords; next++) {
            const { partition, value } = events[next]!;
            unit.push(places.record(partition, value));
          }
          own = await take(await read(unit));
        }
      };
      await Promise.all(lives.map(follow));
    });
    const walBytes = Number((await walPosition(unitOfWork)) - wal);
    const entries = await checked(unitOfWork, slips);
    // A connection tells what it wrote at the latest when it ends.
    await dataSource.destroy();
    return {
      events,
      transactions: { ...events, items: entries },
      rowsPerSlip: (await rowsWritten(url)) / slips,
      walBytesPerSlip: walBytes / slips,
    };
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

async function read(records: readonly LedgerRecord[]): Promise<LogRecord[]> {
  const read: LogRecord[] = [];
  for (const { value, ...place } of records) {
    read.push(readLogValue(place, value));
    if (read.length % 256 === 0) await breathe();
  }
  return read;
}

/** @throws Error when the books do not say that every slip settled */
async function checked(unitOfWork: UnitOfWork, slips: number): Promise<number> {
  const [found] = await unitOfWork.query<{ log: number; settled: number; entries: number; wrong: number }>(`
    select (select count(*) from event_log)::int as log, (select count(*) from slip where status = 'settled')::int as settled,
           (select count(*) from entry)::int as entries, (select count(*) from ledger_imbalance)::int as wrong`);
  const { log, settled, entries, wrong } = found!;
  if (log !== slips * 6 || settled !== slips || entries !== slips * 2 || wrong !== 0) {
    throw new Error(`the books are wrong: ${JSON.stringify(found)} of ${slips} slips`);
  }
  return entries;
}

async function walPosition(unitOfWork: UnitOfWork): Promise<bigint> {
  const [row] = await unitOfWork.query<{ at: string }>(
    "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text as at",
  );
  return BigInt(row!.at);
}

/** Inserted and updated, as the server counts; by a connection of its own, when all others have ended and told theirs. */
async function rowsWritten(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (let before = -1; ; ) {
      const { rows } = await client.query(
        'select pg_stat_clear_snapshot(), sum(n_tup_ins + n_tup_upd)::int as n from pg_stat_user_tables',
      );
      if (rows[0].n === before) return before;
      before = rows[0].n;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    }
  } finally {
    await client.end();
  }
}

/** The floor: two accounts, one of them everybody's, and a transaction each, over eight connections. */
export async function hotAccount(bench: Bench, transactions: number): Promise<Sample> {
  const url = await createDatabase(bench.databaseUrl, `hot_${bench.round}`);
  const pool = new pg.Pool({ connectionString: url, max: 8 });
  await pool.query(`create table account (id int primary key, balance bigint not null) with (fillfactor = 50);
    create table posting (id bigint generated always as identity primary key, account int not null, amount bigint not null);
    insert into account select n, 0 from generate_series(0, 8) n`);
  let left = transactions;
  const writer = async (own: number) => {
    const client = await pool.connect();
    while (left-- > 0) {
      await client.query('begin');
      await client.query('insert into posting (account, amount) values ($1, -1), (0, 1)', [own]);
      await client.query('update account set balance = balance - 1 where id = $1', [own]);
      await client.query('update account set balance = balance + 1 where id = 0');
      await client.query('commit');
    }
    client.release();
  };
  try {
    return await timed(transactions, async () => {
      await Promise.all(Array.from({ length: 8 }, (_, n) => writer(n + 1)));
    });
  } finally {
    await pool.end();
  }
}

/** The other floor: the same event rows by `unnest`, primary key only, 1,000 a statement, four connections. */
export async function unnestEvents(bench: Bench, slips: number): Promise<Sample> {
  const url = await createDatabase(bench.databaseUrl, `unnest_${bench.round}`);
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  await pool.query(
    'create table raw (partition int not null, kafka_offset bigint not null, body bytea not null, primary key (partition, kafka_offset))',
  );
  const places = new Places();
  const all = [...ledgerLives(slips, places)].map(({ partition, value }) => places.record(partition, value));
  const sql = 'insert into raw select * from unnest($1::int[], $2::bigint[], $3::bytea[])';
  try {
    return await timed(all.length, async () => {
      let next = 0;
      const writer = async () => {
        while (next < all.length) {
          const rows = all.slice(next, next + 1_000);
          next += 1_000;
          await pool.query(sql, [
            rows.map(({ partition }) => partition),
            rows.map(({ offset }) => offset),
            rows.map(({ value }) => value),
          ]);
        }
      };
      await Promise.all([writer(), writer(), writer(), writer()]);
    });
  } finally {
    await pool.end();
  }
}
