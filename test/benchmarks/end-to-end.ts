import { join } from 'node:path';
import { cloudEventType, peekEnvelope, topics } from '@slipstream/contracts';
import { type Stack, slipsAlone, startStack } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import pg from 'pg';
import type { Bars } from '../../apps/slipctl/src/output/bar-chart.ts';
import { withServers } from './core.ts';
import { type Bench, rawKafka } from './core-workloads.ts';
import {
  openDurablePeers,
  type PgBossRun,
  runPgBoss,
  runTemporal,
  type TemporalRun,
} from './durable-peers.ts';
import { type Load, LoadClient, percentile } from './http-load.ts';
import { posts } from './intake-workloads.ts';
import { cpuSecondsOf, type Spread, spread } from './measure.ts';
import { writeResult } from './report.ts';
import { cpuSecondsOfFamily, type ServerPids, serverPids } from './server-cpu.ts';

export interface EndToEndOptions {
  readonly rounds: number;
  readonly slips: number;
  /** Where the peers were laid out and built; null: they are left out. */
  readonly peersFolder: string | null;
  readonly jsonFile: string;
}

/** Shares of the sustained rate, at which the time from submission to settlement is measured. */
const shares = [0.25, 0.5, 0.75];
const openSeconds = 20;
const connections = 64;
const warmSlips = 1_000;
const waitMs = 600_000;
const p99GoalMs = 500;
/** Against Temporal's dev server with a file. */
const temporalGoal = 15;
/** Written ahead for a slip by all services. */
const walGoalKb = 14;
/** Of Temporal, whose dev server completes some twenty a second. */
const temporalSlips = 600;
/** Of pg-boss, a job sent and cancelled each. */
const pgBossSlips = 10_000;
const services = ['intake', 'provider-gateway', 'ledger', 'reconciliation', 'provider-simulator'];

interface Round {
  /** Slips a second from the first submission to the last settlement, submitted by 64 connections without a pause. */
  readonly sustained: number;
  /** Milliseconds of CPU a slip, by process. */
  readonly cpuMs: Readonly<Record<string, number>>;
  /** Write-ahead log a slip, kilobytes, over all services' databases. */
  readonly walKb: number;
  /** Milliseconds from when a submission was due to its SlipSettled read from Kafka, by share of the sustained rate. */
  readonly settled: readonly { readonly p50: number; readonly p99: number }[];
  /** Submissions that intake put off in all of that, because slips came faster than they left (ADR 50). */
  readonly putOff: number;
}

/** Everything that runs, from a request to a settlement that another process reads; providers answer at once. */
export async function endToEnd(options: EndToEndOptions, say: (line: string) => void): Promise<boolean> {
  const peers = options.peersFolder === null ? null : openDurablePeers(options.peersFolder);
  if (peers === null) say('no --peers DIR: Temporal and pg-boss are left out');
  const rounds: Round[] = [];
  const temporal: TemporalRun[] = [];
  const pgBoss: PgBossRun[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    say(
      `round ${round} of ${options.rounds}: ${options.slips} slips at once, then ${shares.join(', ')} of the rate`,
    );
    const sides = [
      async () => {
        if (!peers) return;
        temporal.push(await runTemporal(peers, temporalSlips));
        pgBoss.push(await runPgBoss(peers, pgBossSlips));
      },
      () =>
        withServers(
          round,
          async (bench, dataDir) => void rounds.push(await play(bench, dataDir, options.slips)),
        ),
    ];
    // Each side goes first in turn.
    for (const side of round % 2 === 1 ? sides : sides.toReversed()) await side();
    say(JSON.stringify({ ours: rounds.at(-1), temporal: temporal.at(-1), pg_boss: pgBoss.at(-1) }));
  }
  const result = {
    slips_per_second: rounded(rounds.map((one) => one.sustained)),
    cpu_ms_a_slip: Object.fromEntries(
      Object.keys(rounds[0]!.cpuMs).map((name) => [name, rounded(rounds.map((one) => one.cpuMs[name]!))]),
    ),
    wal_kb_a_slip: rounded(rounds.map((one) => one.walKb)),
    put_off: rounded(rounds.map((one) => one.putOff)),
    settled_ms: shares.map((share, index) => ({
      share,
      p50: rounded(rounds.map((one) => one.settled[index]!.p50)),
      p99: rounded(rounds.map((one) => one.settled[index]!.p99)),
    })),
    peers: peers && {
      temporal_per_second: rounded(temporal.map((one) => one.per_second)),
      temporal_p99_ms: rounded(temporal.map((one) => one.p99_ms)),
      times_temporal: rounded(rounds.map((one, index) => one.sustained / temporal[index]!.per_second)),
      pg_boss_per_second: rounded(pgBoss.map((one) => one.per_second)),
      times_pg_boss: rounded(rounds.map((one, index) => one.sustained / pgBoss[index]!.per_second)),
    },
  };
  const goals = goalsOf(result);
  console.log(described(result));
  for (const { what, value, goal, holds } of goals)
    console.log(`${holds ? 'holds ' : 'MISSED'}  ${what}: ${value} (goal: ${goal})`);
  writeResult(options.jsonFile, { options, ...result, goals }, charts(result));
  return goals.every(({ holds }) => holds);
}

function charts({ slips_per_second, cpu_ms_a_slip, settled_ms, peers }: Result): Bars[] {
  return [
    {
      title: 'slips a second, from the request to the settlement',
      bars: [
        { name: 'the whole stack', value: slips_per_second.median },
        ...(peers
          ? [
              { name: "Temporal's dev server with a file", value: peers.temporal_per_second.median },
              { name: 'pg-boss, deadlines alone', value: peers.pg_boss_per_second.median },
            ]
          : []),
      ],
    },
    {
      title: 'ms from submission to settlement',
      bars: settled_ms.flatMap(({ share, p50, p99 }) => [
        { name: `p50 at ${share} of that rate`, value: p50.median },
        { name: `p99 at ${share} of that rate`, value: p99.median },
      ]),
    },
    {
      title: 'CPU ms a slip',
      bars: Object.entries(cpu_ms_a_slip)
        .filter(([, { median }]) => !Number.isNaN(median))
        .map(([name, { median }]) => ({ name, value: median })),
    },
  ];
}

type Result = Readonly<{
  slips_per_second: Spread;
  cpu_ms_a_slip: Readonly<Record<string, Spread>>;
  wal_kb_a_slip: Spread;
  put_off: Spread;
  settled_ms: readonly { readonly share: number; readonly p50: Spread; readonly p99: Spread }[];
  peers: Readonly<{
    temporal_per_second: Spread;
    temporal_p99_ms: Spread;
    times_temporal: Spread;
    pg_boss_per_second: Spread;
    times_pg_boss: Spread;
  }> | null;
}>;

function goalsOf({ settled_ms, wal_kb_a_slip, peers }: Result) {
  const half = settled_ms.find(({ share }) => share === 0.5)!.p99;
  return [
    {
      what: 'p99 from submission to settlement at half of the rate',
      value: `${half.median} ms`,
      goal: `under ${p99GoalMs} ms`,
      holds: half.median < p99GoalMs,
    },
    {
      what: 'write-ahead log a slip over all services',
      value: `${wal_kb_a_slip.median} KB`,
      goal: `at most ${walGoalKb} KB`,
      holds: wal_kb_a_slip.median <= walGoalKb,
    },
    ...(peers
      ? [
          {
            what: "slips/s against Temporal's dev server with a file",
            value: show(peers.times_temporal),
            goal: `at least ${temporalGoal}`,
            holds: peers.times_temporal.median >= temporalGoal,
          },
        ]
      : []),
  ];
}

async function play(bench: Bench, dataDir: string, slips: number): Promise<Round> {
  const stack = await startStack({
    dataDir: join(dataDir, 'stack'),
    profile: 'stack',
    rules: slipsAlone,
    // A slip of the backlog that the first run makes is not late.
    policies: { outcome_deadline_ms: 600_000 },
    behaviour: { mode: 'sync', latency_ms: [0, 0], failure_rate: 0 },
  });
  const settlements = await Settlements.open(bench);
  const client = new LoadClient(stack.env.INTAKE_URL!, '/v1/slips', connections, true);
  const postgres = new pg.Client({ connectionString: bench.databaseUrl });
  await postgres.connect();
  try {
    const token = stack.env.TOKEN_PUBLISHER!;
    const servers = await serverPids(postgres, dataDir);
    let putOff = 0;
    const submit = async (name: string, count: number, perSecond?: number) => {
      const wanted = posts(name, count, token);
      const load = await (perSecond === undefined ? client.closed(wanted) : client.open(wanted, perSecond));
      putOff += load.putOff;
      return settlements.of(load);
    };
    await submit('warm', warmSlips);
    const before = cpu(stack, servers);
    const walBefore = await walBytes(postgres);
    const began = performance.now();
    await submit('sustained', slips);
    const sustained = slips / ((performance.now() - began) / 1000);
    const after = cpu(stack, servers);
    const walKb = ((await walBytes(postgres)) - walBefore) / slips / 1_000;
    const settled = [];
    for (const share of shares) {
      const perSecond = sustained * share;
      const ascending = await submit(`at-${share}`, Math.ceil(perSecond * openSeconds), perSecond);
      settled.push({ p50: percentile(ascending, 50), p99: percentile(ascending, 99) });
    }
    const cpuMs = Object.entries(after).map(
      ([name, seconds]) => [name, ((seconds - before[name]!) / slips) * 1000] as const,
    );
    return { sustained, cpuMs: Object.fromEntries(cpuMs), walKb, settled, putOff };
  } finally {
    await postgres.end();
    await client.close();
    await settlements.close();
    await stack.stop();
  }
}

/** Of the whole server: each service's database is on it, and nothing else. */
async function walBytes(postgres: pg.Client): Promise<number> {
  const { rows } = await postgres.query<{ bytes: string }>(
    "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as bytes",
  );
  return Number(rows[0]!.bytes);
}

/** Seconds of CPU so far, by process. */
function cpu(stack: Stack, { postgres, kafka }: ServerPids): Record<string, number> {
  const { user, system } = process.cpuUsage();
  return {
    ...Object.fromEntries(services.map((name) => [name, cpuSecondsOf(stack.services.pid(name)!)])),
    PostgreSQL: cpuSecondsOfFamily(postgres),
    Kafka: cpuSecondsOfFamily(kafka),
    client: (user + system) / 1e6,
  };
}

const settledType = cloudEventType('SlipSettled');

/** When each slip's SlipSettled was read from Kafka. */
class Settlements {
  readonly #atMs = new Map<string, number>();
  readonly #consumer: ReturnType<ReturnType<typeof rawKafka>['consumer']>;

  private constructor(bench: Bench) {
    this.#consumer = rawKafka(bench).consumer({ groupId: `settled-${bench.round}`, maxWaitTimeInMs: 100 });
  }

  static async open(bench: Bench): Promise<Settlements> {
    const settlements = new Settlements(bench);
    await settlements.#start();
    return settlements;
  }

  async #start(): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic: topics.events.name, fromBeginning: true });
    await this.#consumer.run({
      partitionsConsumedConcurrently: topics.events.partitions,
      eachBatch: async ({ batch }) => {
        const readMs = performance.now();
        for (const { key, value } of batch.messages) {
          if (peekEnvelope(value!).type === settledType) this.#atMs.set(key!.toString(), readMs);
        }
      },
    });
  }

  /** Milliseconds from submission to settlement of every slip of a load, ascending. @throws Error when some never settle */
  async of({ bodies, begunMs }: Load): Promise<Float64Array> {
    const ids = bodies.map((body) => (JSON.parse(body) as { id: string }).id);
    let settled = 0;
    await waitFor(
      () => {
        while (settled < ids.length && this.#atMs.has(ids[settled]!)) settled++;
        return settled === ids.length;
      },
      { timeoutMs: waitMs, what: `${ids.length} slips to settle`, intervalMs: 5 },
    );
    return Float64Array.from(ids, (id, index) => this.#atMs.get(id)! - begunMs[index]!).sort();
  }

  async close(): Promise<void> {
    await this.#consumer.disconnect();
  }
}

function rounded(values: readonly number[]): Spread {
  const { min, median, max } = spread(values);
  const round = (value: number) => Math.round(value * 100) / 100;
  return { min: round(min), median: round(median), max: round(max) };
}

const show = ({ min, median, max }: Spread) => `${min} / ${median} / ${max}`;

function described({
  slips_per_second,
  cpu_ms_a_slip,
  wal_kb_a_slip,
  put_off,
  settled_ms,
  peers,
}: Result): string {
  return [
    `slips/s, submitted to settled, min / median / max: ${show(slips_per_second)}`,
    ...settled_ms.map(
      ({ share, p50, p99 }) =>
        `ms from submission to settlement at ${share} of that: p50 ${show(p50)}, p99 ${show(p99)}`,
    ),
    `CPU ms a slip: ${Object.entries(cpu_ms_a_slip)
      .map(([name, { median }]) => `${name} ${Number.isNaN(median) ? '-' : median}`)
      .join(', ')}`,
    `write-ahead log a slip, KB: ${show(wal_kb_a_slip)}`,
    `submissions put off, and made again: ${show(put_off)}`,
    ...(peers
      ? [
          `Temporal's dev server with a file: ${show(peers.temporal_per_second)} workflows/s, p99 ${show(peers.temporal_p99_ms)} ms at that rate; ours is ${show(peers.times_temporal)} times that`,
          `pg-boss, deadlines alone: ${show(peers.pg_boss_per_second)} slips/s; ours, everything on, is ${show(peers.times_pg_boss)} of that`,
        ]
      : []),
  ].join('\n');
}
