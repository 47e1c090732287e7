import { execFile } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readEnvelope, slipEventOf, sources, topics } from '@slipstream/contracts';
import { repositoryRoot } from '@slipstream/environment';
import { createKafka, type KafkaClient, readTail, SerialProducer } from '@slipstream/kafka';
import { seededRandom } from '@slipstream/kernel';
import { type Stack, type StackOptions, startStack } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import pg from 'pg';
import { LedgerLoad } from './ledger-load.ts';
import { type RebuiltProjection, rebuildAll } from './rebuilds.ts';

export interface LedgerDrill {
  /** How many events are sent to it, beside its own. */
  readonly events: number;
  /** How often it is killed (SIGKILL) while it works them off. */
  readonly kills: number;
  readonly seed: number;
  /** Whether every projection is made anew from the log afterwards, and compared with the live one. */
  readonly rebuilds?: boolean;
}

/** What became of them; `ok` when none was lost or altered, nothing was posted twice, and nothing came of reading all of it again. */
export interface LedgerDrilled extends LedgerDrill {
  readonly resends: number;
  /** Its answers on the topic. */
  readonly answers: number;
  readonly restarts: number;
  /** Numbers that are missing on the topic. */
  readonly gaps: number;
  /** Partitions whose log is not the topic, record by record. */
  readonly differing: readonly number[];
  readonly transactions: number;
  /** Transactions that no answer carries, or more than one. */
  readonly posted_otherwise: number;
  /** What check.sql says. */
  readonly broken: readonly string[];
  /** Tables that changed when the topic was read from its beginning once more. */
  readonly changed: readonly string[];
  /** What `slipctl verify` says of a log that nobody touched; null: all of it is as it was. */
  readonly alarm: string | null;
  readonly rebuilt: readonly RebuiltProjection[];
  readonly ok: boolean;
}

type Log = (line: string) => void;

/** The ledger alone, on real servers. */
export const ledgerStack: Partial<StackOptions> = {
  profile: 'stack',
  instances: { intake: 0, 'provider-gateway': 0, reconciliation: 0, ledger: 1 },
};

const pageRows = 2_000;
/** Of the program that makes a projection anew. */
const memoryMaxMiB = 300;
const caughtUpMs = 1_800_000;
/** Without a record read or an answer that came back: it may take however long, as long as it goes on. */
const stillMs = 300_000;
const lookMs = 250;
/** Some read tables of millions of rows whole, on a machine that others keep full. */
const statementMsMax = 1_800_000;
const checkSql = readFileSync(join(repositoryRoot, 'services/ledger/sql/check.sql'), 'utf8');

export async function drillLedger(drill: LedgerDrill, log: Log): Promise<LedgerDrilled> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-drill-'));
  try {
    const stack = await startStack({
      dataDir,
      profile: 'stack',
      ...ledgerStack,
      log,
      removeOnCrash: [dataDir],
    });
    try {
      return await playLedger(stack, drill, log);
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export async function playLedger(stack: Stack, drill: LedgerDrill, log: Log): Promise<LedgerDrilled> {
  const kafka = createKafka({ brokers: stack.env.KAFKA_BROKERS!.split(','), clientId: 'drill' });
  const url = new URL(stack.env.DATABASE_URL!);
  url.pathname = '/ledger';
  const database = new pg.Pool({ connectionString: url.href, max: 4, statement_timeout: statementMsMax });
  database.on('error', () => {});
  try {
    const sent = new AbortController();
    const sending = send(kafka, drill, log).catch((error) => {
      sent.abort(error);
      throw error;
    });
    const [load] = await Promise.all([sending, killOften(stack, database, drill, log, sent.signal)]);
    await caughtUp(kafka, database);
    log(`  it has caught up after ${stack.services.restarts('ledger')} restarts`);
    const found = await compare(kafka, database);
    const { rows } = await database.query<{ invariant: string; subject: string; detail: string }>(checkSql);
    const broken = rows.map(({ invariant, subject, detail }) => `${invariant}: ${subject}: ${detail}`);
    for (const line of broken) log(`  NOT SO: ${line}`);
    const changed = await changedByReplay(stack, kafka, database, log);
    const alarm = await alarmOf(stack);
    if (alarm !== null) log(`  NOT SO: ${alarm}`);
    const rebuilt = drill.rebuilds ? await rebuildAll(url.href, log) : [];
    const unlike = rebuilt.filter(
      ({ differing, peak_mib }) => differing > 0 || (peak_mib ?? 0) > memoryMaxMiB,
    );
    const result = { ...drill, resends: load.resends, restarts: stack.services.restarts('ledger'), ...found };
    const wrong =
      found.gaps +
      found.differing.length +
      found.posted_otherwise +
      broken.length +
      changed.length +
      unlike.length +
      (alarm === null ? 0 : 1);
    return {
      ...result,
      broken,
      changed,
      alarm,
      rebuilt,
      ok: wrong === 0 && found.events === load.events && found.transactions > 0,
    };
  } finally {
    await database.end();
  }
}

/** By the program that operators use: rows, trees, checkpoints and the topic, whatever was killed or sent again meanwhile. */
function alarmOf({ env }: Stack): Promise<string | null> {
  const program = join(repositoryRoot, 'apps/slipctl/dist/main.js');
  const options = { env: { ...process.env, ...env }, maxBuffer: 16 * 1024 * 1024, timeout: caughtUpMs };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, 'verify', '--json'], options, (error, stdout, stderr) => {
      resolve(error ? `${stdout.slice(0, 1_000)}${stderr.slice(0, 1_000)}` : null);
    });
  });
}

async function send(kafka: KafkaClient, { events, seed }: LedgerDrill, log: Log): Promise<LedgerLoad> {
  const load = new LedgerLoad(seed);
  const producer = new SerialProducer(kafka);
  try {
    for (const records of load.batches(events)) await producer.sendBatch(records);
  } finally {
    await producer.stop();
  }
  log(`  ${load.events} events and ${load.resends} resends are on the topic`);
  return load;
}

/** Kills it when it has logged so and so much: the places are drawn over all that it has to do. */
async function killOften(
  stack: Stack,
  database: pg.Pool,
  { events, kills, seed }: LedgerDrill,
  log: Log,
  sending: AbortSignal,
): Promise<void> {
  const random = seededRandom(seed);
  const places = Array.from({ length: kills }, () => random.integer(0, events)).sort((a, b) => a - b);
  for (const [n, place] of places.entries()) {
    const restarts = stack.services.restarts('ledger');
    await waitFor(
      async () => {
        sending.throwIfAborted();
        return stack.services.pid('ledger') !== undefined && (await readSoFar(database)) >= place;
      },
      { timeoutMs: caughtUpMs, intervalMs: 5, what: `the ledger to have read ${place} records` },
    );
    stack.services.kill('ledger', 'SIGKILL');
    await waitFor(() => stack.services.restarts('ledger') > restarts, {
      timeoutMs: 60_000,
      what: 'the ledger to be started again',
    });
    if ((n + 1) % 10 === 0) log(`  killed ${n + 1} times`);
  }
}

const positionsSql = `
select partition, next_offset from consumer_position where consumer_group = 'ledger' and topic = '${topics.events.name}'`;

async function positions(database: pg.Pool): Promise<Map<number, number>> {
  const { rows } = await database.query<{ partition: number; next_offset: string }>(positionsSql);
  return new Map(rows.map((row) => [row.partition, Math.max(0, Number(row.next_offset))]));
}

async function readSoFar(database: pg.Pool): Promise<number> {
  return [...(await positions(database)).values()].reduce((sum, offset) => sum + offset, 0);
}

/** Everything on the topic was read, and every answer is on the topic. */
async function caughtUp(kafka: KafkaClient, database: pg.Pool): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    let before = Number.NaN;
    let movedAtMs = performance.now();
    let cause: unknown;
    for (;;) {
      try {
        const left = await leftOf(admin, database);
        if (left === 0) return;
        if (left !== before) [before, movedAtMs] = [left, performance.now()];
      } catch (error) {
        // A connection that was lost is none of the ledger's faults: it is asked again.
        cause = error;
      }
      if (performance.now() - movedAtMs > stillMs)
        throw new Error(`the ledger stands still, ${before} records are left`, { cause });
      await sleep(lookMs);
    }
  } finally {
    await admin.disconnect();
  }
}

/** Records that it has not read, and answers that have not come back: sent meanwhile, they may become more. */
async function leftOf(admin: ReturnType<KafkaClient['admin']>, database: pg.Pool): Promise<number> {
  const ends = await admin.fetchTopicOffsets(topics.events.name);
  const read = await positions(database);
  const { rows } = await database.query<{ waiting: number }>(waitingSql, [topics.events.name]);
  const unread = ends.map(({ partition, offset }) =>
    Math.max(0, Number(offset) - (read.get(partition) ?? 0)),
  );
  return unread.reduce((sum, one) => sum + one, rows[0]!.waiting);
}

/** Answers that were committed and not logged yet: they come back from the topic. */
const waitingSql = `
select ((select sum(next_seq - 1) from sequencer where topic = $1) - coalesce((
  select sum(seq) from consumer_sequence where consumer_group = 'ledger' and topic = $1 and source = '${sources.ledger}'), 0))::int as waiting`;

interface Compared {
  readonly events: number;
  readonly answers: number;
  readonly gaps: number;
  readonly differing: readonly number[];
  readonly transactions: number;
  readonly posted_otherwise: number;
}

/** The topic, without what came twice, against the log; and what its answers carry against the entries. */
async function compare(kafka: KafkaClient, database: pg.Pool): Promise<Compared> {
  const { name, partitions } = topics.events;
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const onTopic = new Map(all.map((partition) => [partition, createHash('sha256')]));
  const last = new Map<string, number>();
  const carried = new Map<string, number>();
  let [events, answers, gaps] = [0, 0, 0];
  await readTail(kafka, name, new Map(all.map((partition) => [partition, 0])), (partition, record) => {
    const value = record.value()!;
    const envelope = readEnvelope(value);
    const place = `${envelope.source} ${partition}`;
    const before = last.get(place) ?? 0;
    if (envelope.sequence <= before) return;
    gaps += envelope.sequence - before - 1;
    last.set(place, envelope.sequence);
    onTopic.get(partition)!.update(value);
    if (envelope.source !== sources.ledger) {
      events += 1;
      return;
    }
    answers += 1;
    const data = slipEventOf(envelope)?.event.data as { transaction?: { id: string } | null } | undefined;
    if (data?.transaction) carried.set(data.transaction.id, (carried.get(data.transaction.id) ?? 0) + 1);
  });
  const differing: number[] = [];
  for (const partition of all) {
    const logged = await hashOfLog(database, partition);
    if (logged.digest('hex') !== onTopic.get(partition)!.digest('hex')) differing.push(partition);
  }
  const { rows } = await database.query<{ id: string }>('select id::text from entry');
  const twice = [...carried.values()].filter((count) => count > 1).length;
  const booked = new Set(rows.map(({ id }) => id));
  const bare = rows.filter(({ id }) => !carried.has(id)).length;
  const unbooked = [...carried.keys()].filter((id) => !booked.has(id)).length;
  const posted_otherwise = twice + bare + unbooked + (rows.length - booked.size);
  return { events, answers, gaps, differing, transactions: rows.length, posted_otherwise };
}

async function hashOfLog(database: pg.Pool, partition: number): Promise<Hash> {
  const hash = createHash('sha256');
  const sql = `select kafka_offset, bytes from event_log where partition = $1 and kafka_offset > $2 order by kafka_offset limit ${pageRows}`;
  for (let after = -1; ; ) {
    const { rows } = await database.query<{ kafka_offset: string; bytes: Buffer }>(sql, [partition, after]);
    for (const { bytes } of rows) hash.update(bytes);
    if (rows.length < pageRows) return hash;
    after = Number(rows.at(-1)!.kafka_offset);
  }
}

/** The tables that the ledger's decisions stand in, and what it said. */
const tables = [
  'event_log',
  'aside_log',
  'log_tree',
  'log_node',
  'slip',
  'slip_tag',
  'account',
  'entry',
  'outbox',
  'sequencer',
  'dead_letter',
];

/** All of the topic is read once more, from its beginning; gives the tables that changed. */
async function changedByReplay(
  stack: Stack,
  kafka: KafkaClient,
  database: pg.Pool,
  log: Log,
): Promise<string[]> {
  const before = await hashes(database);
  const restarts = stack.services.restarts('ledger');
  stack.services.kill('ledger', 'SIGSTOP');
  const { rowCount } = await database.query(
    "update consumer_position set next_offset = 0 where consumer_group = 'ledger' and topic = $1",
    [topics.events.name],
  );
  if (rowCount !== topics.events.partitions || (await readSoFar(database)) !== 0)
    throw new Error('the ledger was not sent back to the beginning of every partition');
  stack.services.kill('ledger', 'SIGKILL');
  await waitFor(() => stack.services.restarts('ledger') > restarts, {
    timeoutMs: 60_000,
    what: 'the ledger to be started again',
  });
  await caughtUp(kafka, database);
  const after = await hashes(database);
  log('  it has read the topic from its beginning once more');
  return tables.filter((table) => before.get(table) !== after.get(table));
}

/** Of every row of each table, in whatever order they come. */
async function hashes(database: pg.Pool): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const table of tables) {
    // The time of a sequencer moves with its ticks; its number moves with what it says.
    const row = table === 'sequencer' ? "(to_jsonb(t) - 'last_time')::text" : 't::text';
    // A checkpoint is taken some seconds after what it is of, also by the one that was started anew.
    const which = ['outbox', 'sequencer'].includes(table)
      ? `where topic <> '${topics.checkpoints.name}'`
      : '';
    const { rows } = await database.query<{ hash: string }>(
      `select count(*) || ' ' || coalesce(sum(hashtextextended(${row}, 0)::numeric), 0) as hash from ${table} t ${which}`,
    );
    found.set(table, rows[0]!.hash);
  }
  return found;
}
