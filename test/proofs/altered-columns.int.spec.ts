import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { seededRandom } from '@slipstream/kernel';
import { prepareTopics } from '@slipstream/postgres';
import type { Cause, SlipEvent } from '@slipstream/slip';
import pg from 'pg';
import { LedgerDatabase } from '../../apps/slipctl/src/verify/ledger-database.ts';
import { verifyLog } from '../../apps/slipctl/src/verify/verify-log.ts';
import { checkpointTx } from '../../services/ledger/src/adapters/postgres/checkpoints.ts';
import { projections, rebuild } from '../../services/ledger/src/adapters/postgres/rebuild/rebuild.ts';
import { takeCheckpoint } from '../../services/ledger/src/application/take-checkpoint.ts';
import { sha256, transactionId } from '../../services/ledger/src/digests.ts';
import { signingKey } from '../../services/ledger/src/signing-key.ts';
import { type Books, booksOn } from '../../services/ledger/test/books.ts';
import { at, recordedAs, returned, slipOn, submitted } from '../../services/ledger/test/builders.ts';
import { Feed } from '../../services/ledger/test/feed.ts';
import { randomLives } from '../../services/ledger/test/lives.ts';

const environment = sharedEnvironment();
const signer = signingKey(generateKeyPairSync('ed25519').privateKey);
let url: string;
let books: Books;
let superuser: pg.Client;

const cause: Cause = {
  class: 'third_party',
  ...{ code: 'callback_lost', confidence: 80, summary: 's', remedy: 'r', evidence: [] },
};

const progressed: SlipEvent = {
  type: 'SlipProgressed',
  data: {
    provider: 'acme',
    step: 'sent',
    evidence: 'synchronous_reply',
    providerTime: null,
  },
};

/** Whose word is taken for each table. */
const judges = {
  event_log: verify,
  aside_log: verify,
  log_tree: verify,
  log_node: verify,
  checkpoint: verify,
  signing_key: verify,
  slip: () => differences('slips'),
  entry: () => differences('transactions'),
  account: () => differences('accounts'),
  slip_hour: () => differences('statistics'),
  slip_tag: () => differences('tags'),
} as const;
type TableName = keyof typeof judges;

/** What nobody notices, and why. */
const unnoticed: Readonly<Partial<Record<`${TableName}.${string}`, string>>> = {
  'entry.at': 'the database chose it for its statement, and no event carries it',
};

/** Which rows say something. */
const says: Readonly<Partial<Record<TableName, string>>> = {
  account: ' and balance <> 0',
  slip_hour: ' and slips > 0',
};

beforeAll(async () => {
  url = await createDatabase(environment().databaseUrl, 'ledger_altered');
  books = await booksOn(url, 40_000);
  await prepareTopics(books.unitOfWork, [topics.checkpoints]);
  superuser = new pg.Client({ connectionString: url });
  superuser.on('error', () => {});
  await superuser.connect();
  const random = seededRandom(Number(process.env.SEED ?? 20_261_127));
  const feed = new Feed(0);
  let n = 0;
  for (const { slipId, clock, event } of randomLives(random, 0, 300))
    await books.handle(0, [feed.event(recordedAs(event, (n++ % 3_000) + 1, slipId, clock))]);
  const waits = slipOn(0, (n) => `waits-${n}`);
  const more: readonly (readonly [string, SlipEvent])[] = [
    ['looked-at', submitted()],
    ['looked-at', { type: 'SlipOverdue', data: { stage: 'returned', deadline: at(600) } }],
    ['looked-at', { type: 'SlipDiagnosed', data: { cause } }],
    ['looked-at', { type: 'CaseOpened', data: { reason: 'repair_budget', summary: 'looked at' } }],
    // Enough for its state to be kept beside its row.
    ...Array.from({ length: 40 }, () => ['looked-at', progressed] as const),
    [waits, submitted()],
  ];
  for (const [n, [slipId, event]] of more.entries())
    await books.handle(0, [feed.event(recordedAs(event, n + 1, slipId))]);
  await books.setAside(0, [feed.event(recordedAs(returned('succeeded'), 2_000, waits))]);
  const unreadable = feed.event(recordedAs(submitted(), 1, 'unreadable'));
  await books.setAside(0, [{ ...unreadable, value: Buffer.from('no event') }], 'undecodable');
  await books.unitOfWork.run((tx) => takeCheckpoint(checkpointTx(tx), signer, randomUUID, 0));
  // As somebody may who owns the tables.
  const { rows } = await superuser.query<{ sql: string }>(
    `select format('alter table %s drop constraint %I cascade', conrelid::regclass, conname) as sql
       from pg_constraint where contype in ('c', 'f', 'u', 'x') and conrelid::regclass::text = any($1)`,
    [Object.keys(judges)],
  );
  for (const { sql } of rows) await superuser.query(sql);
  for (const table of Object.keys(judges)) await superuser.query(`alter table ${table} disable trigger all`);
}, 120_000);
afterAll(async () => {
  await superuser?.end();
  await books?.close();
});

async function verify(): Promise<string[]> {
  const database = await LedgerDatabase.open(url);
  try {
    const parts = { database, kafka: null, keys: [signer.verifierKey], notes: [], onRows() {} };
    const { ok, partitions } = await verifyLog(parts);
    return ok ? [] : ['not ok', ...partitions.flatMap(({ problem }) => problem?.detail ?? [])];
  } finally {
    await database.close();
  }
}

async function differences(name: string): Promise<string[]> {
  const { unitOfWork } = books;
  const projection = projections.find((one) => one.name === name)!;
  const parts = { unitOfWork, hashes: { sha256, transactionId }, ending: 'drop' as const, onSlips() {} };
  const found = await rebuild(projection, parts);
  return found.differences.map(({ row, field }) => `${row} ${field}`);
}

interface Column {
  readonly name: string;
  readonly type: string;
}

/** Another value of the same kind. */
function altered({ name, type }: Column): string {
  switch (type) {
    case 'bytea':
      return `set_byte(${name}, 0, get_byte(${name}, 0) # 1)`;
    case 'text':
      return `'x' || ${name}`;
    case 'boolean':
      return `not ${name}`;
    case 'uuid':
      return 'gen_random_uuid()';
    case 'timestamp with time zone':
      return `${name} + interval '1 s'`;
    case 'integer':
    case 'bigint':
      return `${name} + 1000000`;
    case 'smallint':
      return `${name} + 100`;
    default:
      return `${name} + 1`;
  }
}

it('all of it is as it was', async () => {
  for (const judge of new Set(Object.values(judges))) expect(await judge()).toEqual([]);
});

it.each(Object.keys(judges) as TableName[])(
  'a value of %s that was altered is noticed, whatever its column',
  async (table) => {
    const { rows: columns } = await superuser.query<Column>(
      `select column_name as name, data_type as type from information_schema.columns
     where table_schema = 'public' and table_name = $1 and is_identity = 'NO' order by ordinal_position`,
      [table],
    );
    const missed: string[] = [];
    for (const column of columns) {
      // Any row in the middle that has a value there, and says something by it: an account of nothing says as much as none. Of a status the log tells, one that a list asks.
      const isTold = table === 'event_log' && column.name === 'status';
      const among = isTold
        ? 'event_log t join slip s on s.id = t.slip_id where t.version > s.version and t.version = (select max(version) from event_log l where l.slip_id = s.id)'
        : `${table} t where ${column.name} is not null${says[table] ?? ''}`;
      const where = `ctid = (select t.ctid from ${among} order by t.ctid limit 1 offset (select count(*) / 2 from ${among}))`;
      await superuser.query(`create table kept as table ${table}`);
      try {
        const { rowCount } = await superuser.query(
          `update ${table} set ${column.name} = ${altered(column)} where ${where}`,
        );
        const judge = isTold ? judges.slip : judges[table];
        const said = await judge().catch((error: unknown) => [String(error)]);
        expect([column.name, rowCount]).toEqual([column.name, 1]);
        if (said.length === 0) missed.push(`${table}.${column.name}`);
      } finally {
        await superuser.query(
          `delete from ${table}; insert into ${table} overriding system value select * from kept; drop table kept`,
        );
      }
    }
    expect(missed).toEqual(Object.keys(unnoticed).filter((name) => name.startsWith(`${table}.`)));
  },
);
