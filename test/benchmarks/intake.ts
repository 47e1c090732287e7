import { withServers } from './core.ts';
import { rawProduce } from './core-workloads.ts';
import {
  bareNest,
  type Costs,
  commands,
  type HttpRun,
  type IntakeRun,
  intakeRun,
} from './intake-workloads.ts';
import { type Row, type Spread, spread } from './measure.ts';
import { chartsOf, report, table, writeResult } from './report.ts';

export interface IntakeOptions {
  readonly rounds: number;
  readonly slips: number;
  readonly jsonFile: string;
}

const row = (name: string, against: string | null, floor: number | null): Row => ({
  ...{ name, against, floor },
  samples: [],
});

/** Intake against what a bare server takes in and what kafkajs sends, interleaved; durable before each 202. */
export async function intake(options: IntakeOptions, say: (line: string) => void): Promise<boolean> {
  const rows = {
    bare: row('bare Nest, 64 connections', null, null),
    http: row('intake over HTTP, 64 connections', 'bare Nest, 64 connections', 0.5),
    produce: row('raw produce of commands', null, null),
    bus: row('intake on the bus', 'raw produce of commands', 0.25),
  };
  const bare: HttpRun[] = [];
  const runs: IntakeRun[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    say(`round ${round} of ${options.rounds}: ${options.slips} slips each way`);
    const without = await bareNest(options.slips);
    bare.push(without);
    rows.bare.samples.push(without.closed);
    await withServers(round, async (bench, dataDir) => {
      const raw = commands('raw', options.slips);
      rows.produce.samples.push(await rawProduce(bench, raw, `bench.commands.${round}`));
      const run = await intakeRun(bench, options.slips, dataDir);
      runs.push(run);
      rows.http.samples.push(run.http.closed);
      rows.bus.samples.push(run.bus);
    });
  }
  const reported = report(Object.values(rows));
  console.log(table(reported));
  const measured = {
    cpu_us: {
      bare_nest: costs(bare.map((run) => run.costs)),
      http: costs(runs.map((run) => run.http.costs)),
      bus: costs(runs.map((run) => run.busCosts)),
    },
    latency_ms: { bare_nest: latencies(bare), http: latencies(runs.map((run) => run.http)) },
    peak_rss_mib: Math.max(...runs.map((run) => run.peakRssMiB)),
  };
  console.log(described(measured));
  writeResult(options.jsonFile, { options, rows: reported, ...measured }, chartsOf(reported));
  return reported.every((one) => one.holds !== false);
}

const rounded = (values: readonly number[]): Spread => {
  const { min, median, max } = spread(values);
  const round = (value: number) => Math.round(value * 10) / 10;
  return { min: round(min), median: round(median), max: round(max) };
};

function costs(all: readonly Costs[]): Record<keyof Costs, Spread> {
  const of = (who: keyof Costs) => rounded(all.map((one) => one[who]));
  return { node: of('node'), postgres: of('postgres'), kafka: of('kafka'), client: of('client') };
}

function latencies(runs: readonly HttpRun[]) {
  const of = (loop: 'closedMs' | 'openMs') => ({
    p50: rounded(runs.map((run) => run[loop].p50)),
    p99: rounded(runs.map((run) => run[loop].p99)),
  });
  return { closed_loop: of('closedMs'), open_loop_at_half: of('openMs') };
}

function described(measured: {
  readonly cpu_us: Readonly<Record<string, Record<keyof Costs, Spread>>>;
  readonly latency_ms: Readonly<Record<string, ReturnType<typeof latencies>>>;
  readonly peak_rss_mib: number;
}): string {
  const cpu = Object.entries(measured.cpu_us).map(([name, { node, postgres, kafka, client }]) => {
    const show = ({ median }: Spread) => (Number.isNaN(median) ? '-' : median);
    return `CPU us, ${name}: Node ${show(node)}, PostgreSQL ${show(postgres)}, Kafka ${show(kafka)}, client ${show(client)}`;
  });
  const times = Object.entries(measured.latency_ms).map(([name, loops]) => {
    const { closed_loop: closed, open_loop_at_half: open } = loops;
    return `ms, ${name}: closed loop p50 ${closed.p50.median}, p99 ${closed.p99.median}; open loop at half the rate p50 ${open.p50.median}, p99 ${open.p99.median}`;
  });
  return [...cpu, ...times, `peak memory: intake ${measured.peak_rss_mib} MiB`].join('\n');
}
