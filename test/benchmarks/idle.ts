import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SlipstreamPublisher } from '@slipstream/client';
import { allTopics } from '@slipstream/contracts';
import { createKafka, readLogBounds } from '@slipstream/kafka';
import { instantFromMs } from '@slipstream/kernel';
import { type Stack, slipsAlone, startStack } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import pg from 'pg';
import { withServers } from './core.ts';
import type { Bench } from './core-workloads.ts';
import { cpuSecondsOf, residentMiB } from './measure.ts';
import { aligned, writeResult } from './report.ts';
import { cpuSecondsOfFamily, type ServerPids, serverPids } from './server-cpu.ts';

export interface IdleOptions {
  /** Of each measurement. */
  readonly seconds: number;
  /** Slips that are open while nothing happens; one run each, in this order. */
  readonly open: readonly number[];
  /** Imports that were begun and closed before the last measurement. */
  readonly closedImports: number;
  readonly jsonFile: string;
}

/** What the whole stack costs while nothing happens. */
interface Row {
  readonly what: string;
  readonly percent_of_a_core: number;
  readonly by_process: Readonly<Record<string, number>>;
  readonly commits_per_second: number;
  readonly records_per_second: number;
  /** Resident at that moment, the largest of the services. */
  readonly largest_mib: number;
}

const goalPercent = 10;
const services = ['intake', 'provider-gateway', 'ledger', 'reconciliation', 'provider-simulator'];
const settleMs = 600_000;
/** Node's and Java's compilers still work for half a minute after work ends. */
const calmMs = 30_000;
const lookMs = 3_000;
/** Fewer commits a second than that, so many looks in a row: what was begun has been handled. */
const quietCommits = 25;
const quietLooks = 4;
const closedAtOnce = 100;
const caller = 'bench-idle';
/** On a route on which nobody is called: it stays open until its deadline. */
const route = 'import';

/**
 * CPU time (user and system) of every process of a stack, servers included, while nothing is submitted: with nothing, one
 * and many slips open, whose deadlines are an hour away, and with many closed imports.
 */
export async function idle(options: IdleOptions, say: (line: string) => void): Promise<boolean> {
  const rows: Row[] = [];
  await withServers(1, async (bench, dataDir) => {
    const stack = await startStack({ dataDir: join(dataDir, 'stack'), profile: 'stack', rules: slipsAlone });
    const postgres = new pg.Client({ connectionString: bench.databaseUrl });
    await postgres.connect();
    const publisher = new SlipstreamPublisher({ brokers: bench.brokers, caller });
    try {
      const parts = { bench, stack, postgres, servers: await serverPids(postgres, dataDir) };
      const measure = async (what: string) => {
        await untilQuiet(postgres);
        rows.push(await measured(parts, what, options.seconds));
        say(JSON.stringify(rows.at(-1)));
      };
      await measure('nothing submitted');
      let count = 0;
      for (const open of options.open) {
        say(`opening ${open - count} slips`);
        await openSlips(publisher, count, open);
        await untilHeld(bench, open);
        count = open;
        await measure(`${open.toLocaleString('en')} open`);
      }
      if (options.closedImports > 0) {
        say(`closing ${options.closedImports} imports`);
        await closeImports(publisher, options.closedImports);
        await untilClosed(bench, options.closedImports);
        await measure(`${options.closedImports.toLocaleString('en')} closed imports besides`);
      }
    } finally {
      await publisher.stop();
      await postgres.end();
      await stack.stop();
    }
  });
  console.log(described(rows));
  const bars = rows.map(({ what, percent_of_a_core }) => ({ name: what, value: percent_of_a_core }));
  writeResult(options.jsonFile, { options, goal_percent: goalPercent, rows }, [
    { title: `per cent of a core (goal: less than ${goalPercent})`, bars },
  ]);
  return rows.every((row) => row.percent_of_a_core < goalPercent);
}

interface Parts {
  readonly bench: Bench;
  readonly stack: Stack;
  readonly postgres: pg.Client;
  readonly servers: ServerPids;
}

async function measured(
  { bench, stack, postgres, servers }: Parts,
  what: string,
  seconds: number,
): Promise<Row> {
  const look = async () => ({
    cpu: {
      ...Object.fromEntries(services.map((name) => [name, cpuSecondsOf(stack.services.pid(name)!)])),
      PostgreSQL: cpuSecondsOfFamily(servers.postgres),
      Kafka: cpuSecondsOfFamily(servers.kafka),
    } as Readonly<Record<string, number>>,
    commits: await commits(postgres),
  });
  // Outside of the time that is measured: asking a broker for all ends is work.
  const endsBefore = await logEnds(bench);
  const before = await look();
  await sleep(seconds * 1_000);
  const after = await look();
  const endsAfter = await logEnds(bench);
  const percent = (name: string) => ((after.cpu[name]! - before.cpu[name]!) / seconds) * 100;
  const names = Object.keys(after.cpu);
  return {
    what,
    percent_of_a_core: round1(names.reduce((sum, name) => sum + percent(name), 0)),
    by_process: Object.fromEntries(names.map((name) => [name, round1(percent(name))])),
    commits_per_second: round1((after.commits - before.commits) / seconds),
    records_per_second: round1((endsAfter - endsBefore) / seconds),
    largest_mib: Math.max(...services.map((name) => residentMiB(stack.services.pid(name)!))),
  };
}

async function commits(postgres: pg.Client): Promise<number> {
  const { rows } = await postgres.query<{ commits: string }>(
    'select sum(xact_commit) as commits from pg_stat_database',
  );
  return Number(rows[0]!.commits);
}

/** The number of records ever appended to the topics of the system. */
async function logEnds({ brokers }: Bench): Promise<number> {
  const admin = createKafka({ brokers, clientId: caller }).admin();
  await admin.connect();
  try {
    let sum = 0;
    for (const { name } of allTopics)
      for (const { end } of (await readLogBounds(admin, name)).values()) sum += end;
    return sum;
  } finally {
    await admin.disconnect();
  }
}

/** What was begun has been handled, and the compilers rest. */
async function untilQuiet(postgres: pg.Client): Promise<void> {
  await sleep(calmMs);
  let quiet = 0;
  await waitFor(
    async () => {
      const before = await commits(postgres);
      await sleep(lookMs);
      const perSecond = ((await commits(postgres)) - before) / (lookMs / 1_000);
      quiet = perSecond < quietCommits ? quiet + 1 : 0;
      return quiet === quietLooks;
    },
    { timeoutMs: settleMs, what: 'the stack to rest' },
  );
}

async function openSlips(publisher: SlipstreamPublisher, from: number, to: number): Promise<void> {
  const deadline = instantFromMs(Date.now() + 3_600_000);
  await publisher.submitSlips(
    Array.from({ length: to - from }, (_, n) => ({
      reference: `idle-${from + n}`,
      kind: 'order' as const,
      account: `customer-${(from + n) % 5_000}`,
      counterparty: `shop-${n % 50}`,
      amount: { amount: 100n, currency: 'EUR' },
      ...{ route, deadline, metadata: {} },
    })),
  );
}

/** Clocks of imports in which nothing was ever submitted: what they leave is what any closed clock leaves. */
async function closeImports(publisher: SlipstreamPublisher, count: number): Promise<void> {
  const time = instantFromMs(Date.now());
  for (let from = 0; from < count; from += closedAtOnce) {
    const clocks = Array.from(
      { length: Math.min(closedAtOnce, count - from) },
      (_, n) => `idle-import-${from + n}`,
    );
    for (const topic of ['commands', 'results'] as const)
      await Promise.all(clocks.map((clock) => publisher.advanceClock({ topic, clock, time, close: true })));
  }
}

function untilHeld(bench: Bench, slips: number): Promise<void> {
  return untilCounted(bench, 'ledger', 'select count(*) as n from slip', slips, 'slips to be held');
}

function untilClosed(bench: Bench, clocks: number): Promise<void> {
  const sql = 'select count(distinct clock) as n from ended_clock';
  return untilCounted(bench, 'provider_gateway', sql, clocks, 'imports to be closed');
}

async function untilCounted(
  bench: Bench,
  database: string,
  sql: string,
  least: number,
  what: string,
): Promise<void> {
  const url = new URL(bench.databaseUrl);
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    const counted = async () => Number((await client.query<{ n: string }>(sql)).rows[0]!.n) >= least;
    await waitFor(counted, { timeoutMs: settleMs, what: `${least} ${what}`, intervalMs: 500 });
  } finally {
    await client.end();
  }
}

const round1 = (value: number) => Math.round(value * 10) / 10;

function described(rows: readonly Row[]): string {
  const head = [
    'per cent of a core',
    'whole stack',
    ...Object.keys(rows[0]!.by_process),
    'commits/s',
    'records/s',
    'MiB',
  ];
  const lines = rows.map((row) =>
    [
      row.what,
      `${row.percent_of_a_core}${row.percent_of_a_core < goalPercent ? '' : ' MISSED'}`,
      ...Object.values(row.by_process),
      ...[row.commits_per_second, row.records_per_second, row.largest_mib],
    ].map(String),
  );
  return `${aligned([head, ...lines])}\ngoal: under ${goalPercent} for the whole stack`;
}
