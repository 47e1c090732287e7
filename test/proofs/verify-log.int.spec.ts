import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import type { ConsumedRecord } from '@slipstream/kafka';
import { seededRandom } from '@slipstream/kernel';
import { prepareTopics } from '@slipstream/postgres';
import pg from 'pg';
import { readCheckpoint, verifierKey } from '../../apps/slipctl/src/verify/checkpoints.ts';
import { LedgerDatabase } from '../../apps/slipctl/src/verify/ledger-database.ts';
import { type Verdict, verifyLog } from '../../apps/slipctl/src/verify/verify-log.ts';
import {
  type Head,
  type KafkaPart,
  type LogRow,
  type NodePlace,
  type Problem,
  verifyPartition,
} from '../../apps/slipctl/src/verify/verify-partition.ts';
import { checkpointTx } from '../../services/ledger/src/adapters/postgres/checkpoints.ts';
import { takeCheckpoint } from '../../services/ledger/src/application/take-checkpoint.ts';
import { signingKey } from '../../services/ledger/src/signing-key.ts';
import { type Books, booksOn } from '../../services/ledger/test/books.ts';
import { recordedAs, submitted } from '../../services/ledger/test/builders.ts';
import { Feed } from '../../services/ledger/test/feed.ts';
import { randomLives } from '../../services/ledger/test/lives.ts';

const environment = sharedEnvironment();
const seed = Number(process.env.SEED ?? 20261126);
const random = seededRandom(seed);
const signer = signingKey(generateKeyPairSync('ed25519').privateKey);
const partitions = [0, 1, 2];
let url: string;
let books: Books;
let superuser: pg.Client;

beforeAll(async () => {
  console.log(`seed ${seed}`);
  url = await createDatabase(environment().databaseUrl, 'ledger_verify');
  books = await booksOn(url, 40_000);
  await prepareTopics(books.unitOfWork, [topics.checkpoints]);
  superuser = new pg.Client({ connectionString: url });
  superuser.on('error', () => {});
  await superuser.connect();
  for (const partition of partitions) await fill(partition);
  for (const table of ['event_log', 'aside_log', 'log_node', 'checkpoint', 'signing_key'])
    await superuser.query(
      `alter table ${table} disable trigger all; create table kept_${table} as table ${table}`,
    );
  await superuser.query('create table kept_log_tree as table log_tree');
});
afterAll(async () => {
  await superuser?.end();
  await books?.close();
});

/** Some 700 records and more: lives, what nobody can read, and places of records that came again. */
async function fill(partition: number): Promise<void> {
  const feed = new Feed(partition);
  const lives = randomLives(random, partition, 350);
  let n = 0;
  const next = () => (n++ % 3_000) + 1;
  while (lives.length > 0) {
    const batch: ConsumedRecord[] = [];
    for (const { slipId, clock, event } of lives.splice(0, random.integer(1, 60))) {
      batch.push(feed.event(recordedAs(event, next(), slipId, clock)));
      // A record that came again has an offset, and no row.
      if (random.chance(0.05)) feed.event(recordedAs(event, next(), slipId, clock));
    }
    await books.handle(partition, batch);
    const unreadable = feed.event(recordedAs(submitted(), next(), `unreadable-${n}`));
    await books.setAside(partition, [{ ...unreadable, value: Buffer.from(`no event ${n}`) }], 'undecodable');
    if (random.chance(0.3)) await checkpoint();
  }
  await checkpoint();
  // What no checkpoint has yet.
  const last = ['x', 'y', 'z'].map((name) =>
    feed.event(recordedAs(submitted(), next(), `last-${name}-${partition}`)),
  );
  await books.handle(partition, last);
}

const checkpoint = () =>
  books.unitOfWork.run((tx) => takeCheckpoint(checkpointTx(tx), signer, randomUUID, 0));

async function verify(notes: readonly string[] = []): Promise<Verdict> {
  const database = await LedgerDatabase.open(url);
  try {
    return await verifyLog({ database, kafka: null, keys: [signer.verifierKey], notes, onRows() {} });
  } finally {
    await database.close();
  }
}

const problemsOf = ({ partitions: all }: Verdict) => all.flatMap(({ problem }) => problem ?? []);

describe('a log that is as it was', () => {
  it('gives no alarm, and says how much of it is signed', async () => {
    const verdict = await verify();
    expect(problemsOf(verdict)).toEqual([]);
    expect(verdict).toMatchObject({ ok: true, unsignedNotes: 0 });
    expect(verdict.checkpoints).toBeGreaterThan(5);
    expect(verdict.records).toBeGreaterThan(1_000);
    expect(verdict.partitions.map(({ records, signed }) => records - signed)).toEqual([0, 0, 3]);
    expect((await superuser.query('select count(*)::int > 0 as some from aside_log')).rows[0].some).toBe(
      true,
    );
    expect((await superuser.query('select count(*)::int > 3 as some from log_node')).rows[0].some).toBe(true);
  });
});

let logs: {
  partition: number;
  rows: LogRow[];
  check: (rows: readonly LogRow[], kafka?: KafkaPart) => Promise<Problem | null>;
}[];

describe('of records that were tampered with, the first bad one is named', () => {
  beforeAll(async () => {
    const database = await LedgerDatabase.open(url);
    const notes = (await database.checkpoints()).map(({ note }) => note);
    const keys = [verifierKey(signer.verifierKey)!];
    logs = [];
    for (const partition of partitions) {
      const rows: LogRow[] = [];
      for await (const page of database.pages(partition)) rows.push(...page);
      const tree = await database.tree(partition);
      const heads = notes.flatMap((note): Head[] => {
        const { id, heads: of } = readCheckpoint(note, keys)!;
        return of.filter((head) => head.partition === partition).map((head) => ({ ...head, checkpoint: id }));
      });
      const places = (
        await superuser.query<NodePlace>('select level, n::int from log_node where partition = $1', [
          partition,
        ])
      ).rows;
      const kept = await database.nodes(partition, places);
      const unlike = new Map(heads.map((head) => [head.size, head]));
      const check = async (tampered: readonly LogRow[], kafka?: KafkaPart) => {
        const pages = (async function* () {
          yield tampered;
        })();
        const parts = { partition, pages, tree, heads: [...unlike.values()].sort((a, b) => a.size - b.size) };
        const nodes = async (asked: readonly NodePlace[]) =>
          kept.filter(({ level, n }) => asked.some((one) => one.level === level && one.n === n));
        const log = { ...parts, nodes, nodeCount: async () => kept.length };
        return (await verifyPartition({ ...log, ...(kafka && { kafka }) })).problem;
      };
      logs.push({ partition, rows, check });
    }
    await database.close();
  });

  const somewhere = () => {
    const log = random.pick(logs);
    return { ...log, at: random.integer(0, log.rows.length - 1) };
  };

  it('one flipped byte in any of 1,000 rows', async () => {
    for (let n = 0; n < 1_000; n++) {
      const { rows, check, at } = somewhere();
      const bytes = Buffer.from(rows[at]!.bytes);
      bytes[random.integer(0, bytes.length - 1)]! ^= 1 << random.integer(0, 7);
      const { offset } = rows[at]!;
      expect(await check(rows.with(at, { ...rows[at]!, bytes }))).toMatchObject({
        offset,
        through: offset,
        kind: 'altered',
      });
    }
  });

  it('a mark, a chain, a slip or a version that is another one', async () => {
    for (let n = 0; n < 200; n++) {
      const { rows, check, at } = somewhere();
      const row = rows[at]!;
      const { event, offset } = row;
      const chain = event && Buffer.from(event.chain);
      if (chain) chain[random.integer(0, 31)]! ^= 1;
      const others: LogRow[] = [
        { ...row, mark: row.mark! ^ 1 },
        ...(event ? [{ ...row, event: { ...event, chain: chain! } }] : []),
        ...(event ? [{ ...row, event: { ...event, slipId: 'another' } }] : []),
        ...(event ? [{ ...row, before: row.before === null ? Buffer.alloc(32) : null }] : []),
      ];
      expect(await check(rows.with(at, random.pick(others)))).toMatchObject({ offset, kind: 'altered' });
    }
  });

  it('a deleted row, or several', async () => {
    for (let n = 0; n < 300; n++) {
      const { rows, check, at } = somewhere();
      const count = random.pick([1, 1, 2, 40]);
      const isTail = at + count >= rows.length;
      const first = (rows[at - 1]?.offset ?? -1) + 1;
      const problem = await check(rows.toSpliced(at, count));
      expect(problem).toMatchObject({ offset: first, kind: isTail ? 'truncated' : 'missing' });
      expect(problem!.through).toBeGreaterThanOrEqual(rows[at]!.offset);
    }
  });

  it('a row that was put in, with a mark or without', async () => {
    let tried = 0;
    for (const { rows, check } of logs) {
      for (let at = 1; at < rows.length; at++) {
        const offset = rows[at - 1]!.offset + 1;
        if (offset === rows[at]!.offset) continue;
        const copied = { ...random.pick(rows), offset, event: null, twin: null };
        const mark = random.pick([null, random.integer(-(2 ** 31), 2 ** 31 - 1)]);
        expect(await check(rows.toSpliced(at, 0, { ...copied, mark }))).toMatchObject({
          offset,
          kind: 'inserted',
        });
        tried++;
      }
      const offset = rows.at(-1)!.offset + 1;
      expect(await check([...rows, { ...rows[0]!, offset, mark: null }])).toMatchObject({ offset });
    }
    expect(tried).toBeGreaterThan(30);
  });

  it('two rows that changed places', async () => {
    for (let n = 0; n < 300; n++) {
      const { rows, check, at } = somewhere();
      const other = random.chance(0.5)
        ? Math.min(at + 1, rows.length - 1)
        : random.integer(0, rows.length - 1);
      if (other === at) continue;
      const [one, two] = [rows[at]!, rows[other]!];
      const swapped = rows
        .with(at, { ...two, offset: one.offset })
        .with(other, { ...one, offset: two.offset });
      expect(await check(swapped)).toMatchObject({ offset: Math.min(one.offset, two.offset) });
    }
  });
});

describe('what Kafka no longer has', () => {
  const at = (start: number, handled: number): KafkaPart => ({
    ...{ start, end: 100_000, handled, compare: async () => null },
  });

  it('is vouched for by the log as far as a checkpoint has signed it, and by nobody else', async () => {
    const { rows, check } = logs[2]!;
    const [unsigned, end] = [rows.at(-3)!.offset, rows.at(-1)!.offset + 1];
    expect(await check(rows, at(0, end))).toBeNull();
    expect(await check(rows, at(unsigned, end))).toBeNull();
    expect(await check(rows, at(unsigned + 1, end))).toMatchObject({
      ...{ kind: 'not_signed', offset: unsigned, through: unsigned },
    });
    // What the ledger had not read when it went is in nobody's hands.
    expect(await check(rows, at(end + 5, end))).toMatchObject({
      ...{ kind: 'missing', offset: end, through: end + 4 },
    });
    // Compared with nothing: its leaves alone say that something stood before them.
    expect(await check(rows.slice(1), at(0, end))).toMatchObject({ kind: 'missing', offset: 0 });
  });

  it('of a partition that the ledger never had is missing', async () => {
    const parts = { partition: 9, tree: null, heads: [], nodes: async () => [], nodeCount: async () => 0 };
    const empty = (kafka: KafkaPart) =>
      verifyPartition({ ...parts, pages: (async function* () {})(), kafka });
    expect((await empty(at(7, 0))).problem).toMatchObject({ kind: 'missing', offset: 0, through: 6 });
    expect(await empty(at(0, 0))).toMatchObject({
      ...{ problem: null, notCompared: [{ from: 0, through: 99_999, why: 'not_handled_yet' }] },
    });
  });
});

describe('as a superuser, in the database', () => {
  const restore = async () => {
    for (const table of ['event_log', 'aside_log', 'log_node', 'log_tree', 'checkpoint'])
      await superuser.query(`delete from ${table}; insert into ${table} select * from kept_${table}`);
  };
  const tampered = async (sql: string, notes: readonly string[] = []) => {
    try {
      await superuser.query(sql);
      return await verify(notes);
    } finally {
      await restore();
    }
  };
  const latest = async () =>
    (await superuser.query<{ note: string }>('select note from checkpoint order by at desc limit 1')).rows[0]!
      .note;

  const logged = async (partition: number) =>
    (
      await superuser.query<{ n: number }>(
        'select kafka_offset::int as n from event_log where partition = $1 order by 1',
        [partition],
      )
    ).rows.map(({ n }) => n);
  /** Where a row at this offset would be missed. */
  const behind = async (partition: number, offset: number) => {
    const sql = `select coalesce(max(n), -1)::int + 1 as n from (select kafka_offset as n from event_log where partition = $1
      union all select kafka_offset from aside_log where partition = $1) as r where n < $2`;
    return (await superuser.query<{ n: number }>(sql, [partition, offset])).rows[0]!.n;
  };
  const asideIn = 'from aside_log where partition = 1';

  it.each<[string, (offsets: number[]) => string, (offsets: number[]) => number | Promise<number>]>([
    [
      'a byte',
      ([, , , at]) =>
        `update event_log set bytes = set_byte(bytes, 9, get_byte(bytes, 9) # 1) where partition = 1 and kafka_offset = ${at}`,
      ([, , , at]) => at!,
    ],
    [
      'a deleted row',
      ([, , , at]) => `delete from event_log where partition = 1 and kafka_offset = ${at}`,
      ([, , , at]) => behind(1, at!),
    ],
    [
      'a row of another partition',
      ([at]) =>
        `update event_log set partition = 1, kafka_offset = 100000 where partition = 2 and kafka_offset = ${at}`,
      () => 100_000,
    ],
    [
      'rows in another order',
      ([, one, two]) => `update event_log set kafka_offset = -5 where partition = 1 and kafka_offset = ${one};
        update event_log set kafka_offset = ${one} where partition = 1 and kafka_offset = ${two};
        update event_log set kafka_offset = ${two} where partition = 1 and kafka_offset = -5`,
      ([, one]) => one!,
    ],
    [
      'a row that was put in at the end',
      ([at]) => `insert into event_log (partition, kafka_offset, slip_id, version, bytes, chain)
        select 1, 100000, slip_id || 'x', 1, bytes, sha256(bytes) from event_log where partition = 1 and kafka_offset = ${at}`,
      () => 100_000,
    ],
    [
      'all of it, and the tree with it',
      () =>
        `delete ${asideIn}; delete from event_log where partition = 1; delete from log_tree where partition = 1`,
      () => 0,
    ],
  ])('%s', async (_what, sql, first) => {
    const offsets = await logged(1);
    const offset = await first(offsets);
    const verdict = await tampered(sql(offsets));
    expect(verdict.ok).toBe(false);
    expect(problemsOf(verdict).find(({ partition }) => partition === 1)).toMatchObject({ offset });
    expect((await verify()).ok).toBe(true);
  });

  it('a byte of what was set aside, and a tail that is gone', async () => {
    const [{ at }] = (await superuser.query(`select max(kafka_offset)::int as at ${asideIn}`)).rows;
    const altered = await tampered(
      `update aside_log set bytes = 'another' where partition = 1 and kafka_offset = ${at}`,
    );
    expect(problemsOf(altered)).toMatchObject([{ partition: 1, offset: at, kind: 'altered' }]);
    const first = await behind(1, at);
    const gone = await tampered(
      `delete ${asideIn} and kafka_offset >= ${at}; delete from event_log where partition = 1 and kafka_offset >= ${at}`,
    );
    expect(problemsOf(gone)).toMatchObject([{ partition: 1, offset: first, kind: 'truncated' }]);
  });

  it('a row whose chain was made to fit and whose mark is gone is told by the signed root, to its chunk of the tree', async () => {
    const last = `(select max(x.kafka_offset) from event_log x where x.partition = 0 and x.kafka_offset < 150
      and x.version = (select max(y.version) from event_log y where y.slip_id = x.slip_id))`;
    const { offset } = (await superuser.query(`select ${last}::int as offset`)).rows[0];
    const flipped = 'set_byte(e.bytes, 9, get_byte(e.bytes, 9) # 1)';
    const verdict = await tampered(`
      update event_log e set bytes = ${flipped}, mark = null, chain = sha256(coalesce((select p.chain from event_log p
        where p.slip_id = e.slip_id and p.version = e.version - 1), '') || ${flipped})
      where e.partition = 0 and e.kafka_offset = ${offset}`);
    const [problem] = problemsOf(verdict);
    expect(problem!.kind).toBe('not_signed');
    expect(problem!.offset).toBeLessThanOrEqual(offset);
    expect(problem!.through).toBeGreaterThanOrEqual(offset);
    expect(problem!.through - problem!.offset).toBeLessThan(300);
  });

  it('an old backup that was put back is told by a checkpoint from elsewhere', async () => {
    const note = await latest();
    const older = `
      delete from checkpoint where id <> (select id from checkpoint order by at limit 1);
      delete from log_tree where partition <> 0; delete from event_log where partition <> 0; delete from aside_log where partition <> 0`;
    const { heads } = readCheckpoint(note, [verifierKey(signer.verifierKey)!])!;
    const verdict = await tampered(older, [note]);
    const found = problemsOf(verdict).filter(({ partition }) => partition !== 0);
    expect(found.map(({ partition, offset, kind }) => [partition, offset, kind])).toEqual(
      heads.filter(({ partition }) => partition !== 0).map(({ partition }) => [partition, 0, 'truncated']),
    );
  });

  it('a checkpoint that another key has signed', async () => {
    const other = signingKey(generateKeyPairSync('ed25519').privateKey);
    const note = other.sign(`${(await latest()).split('\n\n')[0]!}\n`);
    expect(await verify([note])).toMatchObject({ ok: false, unsignedNotes: 1 });
  });
});
