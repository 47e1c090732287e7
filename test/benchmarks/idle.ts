import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { readLogEnds } from './idle-log-ends.ts';

/**
 * What the stack costs while nothing happens, and with one slip open whose deadline is an hour away. Run inside a stack:
 * `npm run stack -- node test/benchmarks/idle.ts [SECONDS]`. Counts CPU time (user and system, from /proc), never the
 * wall clock, so a busy machine changes little; prints one JSON line for each case.
 */

const seconds = Number(process.argv[2] ?? 30);
/** Linux counts CPU time in hundredths of a second. */
const ticksPerSecond = 100;
const databases = ['intake', 'gateway', 'ledger', 'reconciliation'];

interface ProcessTime {
  readonly name: string;
  readonly parent: number;
  readonly ticks: number;
}

function processes(): ReadonlyMap<number, ProcessTime> {
  const found = new Map<number, ProcessTime>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      found.set(Number(pid), {
        name: nameOf(command, stat),
        parent: Number(fields[1]),
        ticks: Number(fields[11]) + Number(fields[12]),
      });
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

function nameOf(command: string, stat: string): string {
  if (command.includes('kafka.Kafka')) return 'kafka';
  if (command.startsWith('postgres') || command.includes('/postgres')) return 'postgres';
  const service = /(?:services|apps)\/([a-z-]+)\//.exec(command);
  return service?.[1] ?? stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
}

/** The stack's processes: the descendants of our parent, and PostgreSQL's, but for ourselves. */
function ofStack(all: ReadonlyMap<number, ProcessTime>, postmaster: number): Map<number, ProcessTime> {
  const roots = new Set([process.ppid, postmaster]);
  const belongs = (pid: number): boolean => {
    if (pid === process.pid || pid <= 1) return false;
    return roots.has(pid) || belongs(all.get(pid)?.parent ?? 0);
  };
  return new Map([...all].filter(([pid]) => belongs(pid)));
}

interface Counters {
  readonly commits: number;
  readonly updates: number;
}

async function counters(client: pg.Client): Promise<Counters> {
  const { rows } = await client.query<{ commits: string }>(
    'select sum(xact_commit) as commits from pg_stat_database where datname like any($1)',
    [databases.map((name) => `%${name}%`)],
  );
  return { commits: Number(rows[0]!.commits), updates: await updates() };
}

/** Row updates are counted by each database for itself. */
async function updates(): Promise<number> {
  const { rows } = await postgres.query<{ datname: string }>(
    "select datname from pg_database where not datistemplate and datname <> 'postgres'",
  );
  let sum = 0;
  for (const { datname } of rows) {
    const url = new URL(process.env.DATABASE_URL!);
    url.pathname = `/${datname}`;
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    const { rows } = await client.query<{ n: string | null }>(
      'select sum(n_tup_upd + n_tup_ins) as n from pg_stat_user_tables',
    );
    sum += Number(rows[0]!.n ?? 0);
    await client.end();
  }
  return sum;
}

async function measure(what: string): Promise<void> {
  const [{ pid }] = (
    await postgres.query<{ pid: number }>(
      "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid",
    )
  ).rows as [{ pid: number }];
  const before = {
    times: ofStack(processes(), pid),
    counters: await counters(postgres),
    ends: await readLogEnds(),
  };
  await sleep(seconds * 1_000);
  const after = {
    times: ofStack(processes(), pid),
    counters: await counters(postgres),
    ends: await readLogEnds(),
  };
  const percent = new Map<string, number>();
  for (const [id, { name, ticks }] of after.times) {
    const used = ticks - (before.times.get(id)?.ticks ?? 0);
    percent.set(name, (percent.get(name) ?? 0) + (used / ticksPerSecond / seconds) * 100);
  }
  const rounded = [...percent].map(([name, value]) => [name, Math.round(value * 10) / 10] as const);
  console.log(
    JSON.stringify({
      what,
      percent_of_a_core: Math.round([...percent.values()].reduce((sum, value) => sum + value, 0) * 10) / 10,
      by_process: Object.fromEntries(
        rounded.filter(([, value]) => value > 0).toSorted((a, b) => b[1] - a[1]),
      ),
      commits_per_second: Math.round((after.counters.commits - before.counters.commits) / seconds),
      rows_per_second: Math.round((after.counters.updates - before.counters.updates) / seconds),
      records_per_second: Math.round((after.ends - before.ends) / seconds),
    }),
  );
}

/** A slip on a route on which nobody answers, due in an hour. */
async function openSlip(): Promise<void> {
  const answer = await fetch(`${process.env.INTAKE_URL}/v1/slips`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${process.env.TOKEN_PUBLISHER}`,
      'content-type': 'application/json',
      'idempotency-key': crypto.randomUUID(),
    },
    body: JSON.stringify({
      reference: `idle-${crypto.randomUUID()}`,
      kind: 'order',
      account: 'idle-a',
      counterparty: 'idle-b',
      amount: { amount: '100', currency: 'EUR' },
      route: 'import',
      deadline: new Date(Date.now() + 3_600_000).toISOString(),
      confirm: true,
    }),
  });
  if (answer.status !== 202) throw new Error(`intake said ${answer.status}: ${await answer.text()}`);
}

const postgres = new pg.Client({ connectionString: process.env.DATABASE_URL });
await postgres.connect();
// Node's and Java's compilers still work for half a minute after the start.
await sleep(30_000);
await measure('nothing submitted');
await openSlip();
await sleep(5_000);
await measure('one slip open');
await postgres.end();
