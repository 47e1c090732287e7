import { loadavg } from 'node:os';
import { join } from 'node:path';
import type { Bars } from '../../apps/slipctl/src/output/bar-chart.ts';
import { withServers } from './core.ts';
import { catchUpPeer, fillPeer, livePeer, openPeer, type Peer, type Printed } from './kafka-streams.ts';
import { type Spread, spread } from './measure.ts';
import {
  type Cpu,
  catchUpReconciler,
  fillStream,
  type Latency,
  liveLatency,
  type SteadyRun,
  steadyRun,
  type Verdicts,
} from './reconciler-workloads.ts';
import { aligned, writeResult } from './report.ts';
import { shapeOf, steadyFrom } from './slip-stream.ts';

export interface ReconcilerOptions {
  readonly rounds: number;
  /** Of the catch-up. */
  readonly slips: number;
  /** Slips open at a time, one run each; the first is what the others are held against. */
  readonly open: readonly number[];
  /** Slips a second while latency is measured; 0: it is not. */
  readonly liveRate: number;
  readonly liveSeconds: number;
  /** Where the peer was built; null: it is left out. */
  readonly peerFolder: string | null;
  readonly jsonFile: string;
}

/** One run of either side. */
interface Run {
  readonly events_per_second: number;
  readonly events_per_cpu_second: number;
  /** Of the whole process; the peer has no database. */
  readonly cpu_seconds: Cpu;
  readonly peak_rss_mib: number;
  readonly verdicts: Verdicts;
}

interface Late {
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly verdicts: Verdicts;
}

interface OpenRow {
  readonly open: number;
  readonly run: SteadyRun;
  /** Of the service and its share of PostgreSQL, microseconds. */
  readonly cpu_us_per_event: number;
}

interface Goal {
  readonly what: string;
  readonly value: string;
  readonly goal: string;
  readonly holds: boolean;
}

/** Fixed, so that every run reads the same bytes. */
const startMs = Date.parse('2026-01-01T00:00:00Z');
/** Slips open at a time in the catch-up. */
const catchUpOpen = 10_000;
/** What is measured of each row of slips open at a time. */
const steadySlips = 100_000;
const startsFrom = 1_000_000;
/** The peer's own rule for its live run. */
const live = { lifeMs: { min: 500, max: 3_000 }, deadlineMs: 5_000 };

type Say = (line: string) => void;

/** The reconciler beside Kafka Streams, and by itself with ever more slips open. */
export async function reconciler(options: ReconcilerOptions, say: Say): Promise<boolean> {
  const peer = options.peerFolder === null ? null : openPeer(options.peerFolder);
  if (peer === null) say('no --kafka-streams DIR: the peer is left out');
  const load = [loadavg()[0]!];
  const runs: { readonly ours: Run[]; readonly peers: Run[] } = { ours: [], peers: [] };
  const late: { readonly ours: Late[]; readonly peers: Late[] } = { ours: [], peers: [] };
  for (let round = 1; round <= options.rounds; round++) {
    say(`round ${round} of ${options.rounds}: ${options.slips} slips`);
    await withServers(round, async (bench, dataDir) => {
      const shape = shapeOf(catchUpOpen, options.slips, true);
      const filled = await fillStream(bench, shape, { startMs, steadySlip: 0 });
      if (peer) await fillPeer(bench, shape, startMs);
      const sides = [
        async () =>
          void runs.ours.push(ourRun(await catchUpReconciler(bench, join(dataDir, 'ours'), filled))),
        async () => {
          if (!peer) return;
          const printed = await catchUpPeer(peer, bench, options.slips);
          runs.peers.push(peerRun(printed, filled.records));
        },
      ];
      // Each side goes first in turn.
      for (const side of round % 2 === 1 ? sides : sides.toReversed()) await side();
      await filled.close();
    });
    load.push(loadavg()[0]!);
    if (options.liveRate > 0) await measureLatency(options, round, peer, late);
    say(
      JSON.stringify({
        ours: runs.ours.at(-1),
        peer: runs.peers.at(-1),
        late: [late.ours.at(-1), late.peers.at(-1)],
      }),
    );
  }
  const rows: OpenRow[] = [];
  for (const open of options.open) {
    say(`${open} slips open at a time`);
    rows.push(await openRow(open));
    load.push(loadavg()[0]!);
    say(JSON.stringify(rows.at(-1)));
  }
  return tell(options, { load, runs, late, rows });
}

async function measureLatency(
  { liveRate, liveSeconds }: ReconcilerOptions,
  round: number,
  peer: Peer | null,
  late: { readonly ours: Late[]; readonly peers: Late[] },
): Promise<void> {
  const shape = { slips: liveRate * liveSeconds, perSecond: liveRate, ...live, drains: true };
  await withServers(round, async (bench, dataDir) => {
    late.ours.push(ourLate(await liveLatency(bench, join(dataDir, 'ours'), shape)));
    if (peer) late.peers.push(peerLate(await livePeer(peer, bench, liveRate, liveSeconds)));
  });
}

async function openRow(open: number): Promise<OpenRow> {
  const steadySlip = steadyFrom(open);
  let run: SteadyRun | null = null;
  await withServers(1, async (bench, dataDir) => {
    const shape = shapeOf(open, steadySlip + steadySlips, false);
    const filled = await fillStream(bench, shape, { startMs, steadySlip });
    run = await steadyRun(bench, join(dataDir, 'ours'), filled, open >= startsFrom);
    await filled.close();
  });
  const measured = run! as SteadyRun;
  return { open, run: measured, cpu_us_per_event: round1((all(measured.cpu) / measured.events) * 1e6) };
}

function ourRun(run: Awaited<ReturnType<typeof catchUpReconciler>>): Run {
  return {
    events_per_second: Math.round(run.events / run.seconds),
    events_per_cpu_second: Math.round(run.events / all(run.cpu)),
    cpu_seconds: run.cpu,
    peak_rss_mib: run.peakRssMiB,
    verdicts: run.verdicts,
  };
}

function peerRun(printed: Printed, events: number): Run {
  return {
    events_per_second: Math.round(events / Number(printed.seconds)),
    events_per_cpu_second: Math.round(events / Number(printed.cpu_s)),
    cpu_seconds: { service: Number(printed.cpu_s), postgres: 0 },
    peak_rss_mib: Math.round(Number.parseInt(printed.VmHWM!, 10) / 1024),
    verdicts: peerVerdicts(printed),
  };
}

function ourLate({ p50Ms, p99Ms, verdicts }: Latency): Late {
  return { p50_ms: p50Ms, p99_ms: p99Ms, verdicts };
}

function peerLate(printed: Printed): Late {
  return { p50_ms: Number(printed.p50), p99_ms: Number(printed.p99), verdicts: peerVerdicts(printed) };
}

/** The peer compares its own ids: where they are not the exact set, at least so many are wrong. */
function peerVerdicts({ not_returned, exact }: Printed): Verdicts {
  const [found = 0, expected = 0] = (not_returned ?? '').split('/').map(Number);
  const wrong = exact === 'true' ? 0 : Math.max(1, found - expected);
  return { expected, found, missed: Math.max(0, expected - found), wrong };
}

const all = ({ service, postgres }: Cpu) => service + postgres;
const round1 = (value: number) => Math.round(value * 10) / 10;
const isExact = ({ missed, wrong }: Verdicts) => missed === 0 && wrong === 0;

interface Measured {
  /** One-minute averages before, between and after. */
  readonly load: readonly number[];
  readonly runs: { readonly ours: readonly Run[]; readonly peers: readonly Run[] };
  readonly late: { readonly ours: readonly Late[]; readonly peers: readonly Late[] };
  readonly rows: readonly OpenRow[];
}

function tell(options: ReconcilerOptions, measured: Measured): boolean {
  const goals = goalsOf(measured);
  console.log(tablesOf(measured));
  for (const { what, value, goal, holds } of goals)
    console.log(`${holds ? 'holds ' : 'MISSED'}  ${what}: ${value} (goal: ${goal})`);
  console.log(`load: ${measured.load.map((one) => one.toFixed(1)).join(', ')}`);
  writeResult(options.jsonFile, { options, ...measured, goals }, charts(measured));
  return goals.every(({ holds }) => holds);
}

function tablesOf({ runs, late, rows }: Measured): string {
  const sides = [
    ['reconciler', runs.ours, late.ours],
    ['Kafka Streams, exactly once', runs.peers, late.peers],
  ] as const;
  const sideBySide = sides.flatMap(([name, its, itsLate]) => {
    const cells = [
      ...[its.map((run) => run.events_per_second), its.map((run) => run.events_per_cpu_second)],
      ...[
        its.map((run) => run.peak_rss_mib),
        itsLate.map((one) => one.p50_ms),
        itsLate.map((one) => one.p99_ms),
      ],
    ].map(shown);
    const verdicts = verdictsOf([...its, ...itsLate].map((run) => run.verdicts));
    return its.length + itsLate.length === 0 ? [] : [[name, ...cells, verdicts]];
  });
  const open = rows.map((row) => [
    row.open.toLocaleString('en'),
    shown([row.cpu_us_per_event]),
    (row.cpu_us_per_event / rows[0]!.cpu_us_per_event).toFixed(2),
    shown([Math.round(row.run.events / row.run.seconds)]),
    shown([row.run.peakRssMiB]),
    row.run.startSeconds
      ? `${round1(row.run.startSeconds.stopped)} / ${round1(row.run.startSeconds.killed)}`
      : '',
    verdictsOf([row.run.verdicts]),
  ]);
  const tables = [
    [
      [
        'min / median / max',
        'events/s',
        'events per CPU s',
        'peak MiB',
        'late p50 ms',
        'late p99 ms',
        'verdicts',
      ],
    ],
    [
      [
        'open at a time',
        'CPU us an event',
        'ratio',
        'events/s',
        'peak MiB',
        'start s: stopped / killed',
        'verdicts',
      ],
    ],
  ];
  return [
    sideBySide.length > 0 ? aligned([...tables[0]!, ...sideBySide]) : '',
    open.length > 0 ? aligned([...tables[1]!, ...open]) : '',
  ].join('\n\n');
}

function verdictsOf(verdicts: readonly Verdicts[]): string {
  const sum = (of: (one: Verdicts) => number) => verdicts.reduce((before, one) => before + of(one), 0);
  return `${sum((one) => one.expected)}, ${sum((one) => one.missed)} missed, ${sum((one) => one.wrong)} wrong`;
}

function shown(values: readonly number[]): string {
  if (values.length === 0) return '';
  const { min, median, max } = spread(values);
  return [...new Set([min, median, max])].map((value) => value.toLocaleString('en')).join(' / ');
}

function goalsOf({ runs, late, rows }: Measured): Goal[] {
  const goals: Goal[] = [];
  const add = (what: string, value: string, goal: string, holds: boolean) =>
    void goals.push({ what, value, goal, holds });
  const ratios = (of: (run: Run) => number): Spread =>
    spread(runs.peers.map((peer, round) => of(runs.ours[round]!) / of(peer)));
  if (runs.peers.length > 0) {
    const rate = ratios((run) => run.events_per_second);
    const cpu = ratios((run) => run.events_per_cpu_second);
    const memory = ratios((run) => run.peak_rss_mib);
    add('events/s against Kafka Streams', ratio(rate), 'at least 3', rate.median >= 3);
    add('events per CPU second against Kafka Streams', ratio(cpu), 'at least 3', cpu.median >= 3);
    add('memory against Kafka Streams', ratio(memory), 'less than 0.5', memory.median < 0.5);
  }
  if (late.ours.length > 0) {
    const p99 = spread(late.ours.map((one) => one.p99_ms));
    add(
      'p99 from the deadline to the verdict',
      `${p99.median} ms`,
      'about 200 ms at most',
      p99.median <= 220,
    );
  }
  for (const { open, run, cpu_us_per_event } of rows) {
    const relative = cpu_us_per_event / rows[0]!.cpu_us_per_event;
    if (open !== rows[0]!.open)
      add(`an event's CPU with ${open} open`, relative.toFixed(2), 'at most 1.2', relative <= 1.2);
    for (const [how, seconds] of Object.entries(run.startSeconds ?? {}))
      add(`start with ${open} open, ${how}`, `${round1(seconds)} s`, 'under 15 s', seconds < 15);
  }
  const verdicts = [...runs.ours, ...late.ours, ...rows.map(({ run }) => run)].map((one) => one.verdicts);
  add('exact verdicts', verdictsOf(verdicts), 'none missed, none wrong', verdicts.every(isExact));
  return goals;
}

function ratio({ min, median, max }: Spread): string {
  return [min, median, max].map((value) => value.toFixed(2)).join(' / ');
}

function charts({ runs, rows }: Measured): Bars[] {
  const median = (values: readonly number[]) => spread(values).median;
  const both = (title: string, of: (run: Run) => number): Bars => ({
    title,
    bars: [
      { name: 'reconciler', value: median(runs.ours.map(of)) },
      ...(runs.peers.length > 0
        ? [{ name: 'Kafka Streams, exactly once', value: median(runs.peers.map(of)) }]
        : []),
    ],
  });
  const sideBySide = [
    both('events a second', (run) => run.events_per_second),
    both('events a CPU second', (run) => run.events_per_cpu_second),
    both('peak memory, MiB', (run) => run.peak_rss_mib),
  ];
  const open = {
    title: 'CPU us an event, by slips open at a time',
    bars: rows.map((row) => ({ name: row.open.toLocaleString('en'), value: row.cpu_us_per_event })),
  };
  return [...(runs.ours.length > 0 ? sideBySide : []), ...(rows.length > 0 ? [open] : [])];
}
