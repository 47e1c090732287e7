import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Bars, barChart } from '../../apps/slipctl/src/output/bar-chart.ts';
import { type Row, rate, type Spread, spread } from './measure.ts';

export interface Reported {
  readonly name: string;
  readonly events_per_second: Spread;
  readonly cpu_seconds_per_million: Spread;
  readonly against: string | null;
  /** Ratios round by round, so that what slowed both down cancels out. */
  readonly ratio: Spread | null;
  readonly floor: number | null;
  readonly holds: boolean | null;
}

export function report(rows: readonly Row[]): Reported[] {
  const byName = new Map(rows.map((row) => [row.name, row]));
  return rows.map((row) => {
    const base = row.against === null ? undefined : byName.get(row.against);
    const ratio = base
      ? spread(row.samples.map((sample, round) => rate(sample) / rate(base.samples[round]!)))
      : null;
    return {
      name: row.name,
      events_per_second: spread(row.samples.map((sample) => Math.round(rate(sample)))),
      cpu_seconds_per_million: spread(
        row.samples.map((sample) => round2((sample.cpuSeconds / sample.items) * 1e6)),
      ),
      against: row.against,
      ratio: ratio && { min: round2(ratio.min), median: round2(ratio.median), max: round2(ratio.max) },
      floor: row.floor,
      holds: ratio === null || row.floor === null ? null : ratio.median >= row.floor,
    };
  });
}

const round2 = (value: number) => Math.round(value * 100) / 100;

export function table(reported: readonly Reported[]): string {
  const show = ({ min, median, max }: Spread) =>
    [min, median, max].map((value) => value.toLocaleString('en')).join(' / ');
  const lines = [
    ['what', 'events/s  min / median / max', 'CPU s per million', 'ratio', 'against', 'goal'],
    ...reported.map((row) => [
      row.name,
      show(row.events_per_second),
      show(row.cpu_seconds_per_million),
      row.ratio ? show(row.ratio) : '',
      row.against ?? '',
      row.floor === null ? '' : `>= ${row.floor} ${row.holds ? 'holds' : 'MISSED'}`,
    ]),
  ];
  return aligned(lines);
}

/** Lines of cells, each column as wide as its widest cell. */
export function aligned(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Writes the result beside its chart, and says where. `file`: of the JSON. */
export function writeResult(file: string, result: unknown, charts: readonly Bars[]): void {
  const svgFile = file.replace(/(\.json)?$/, '.svg');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(svgFile, barChart(charts));
  console.log(`JSON: ${file}\nSVG: ${svgFile}`);
}

/** The medians of what was reported, and what they are of what they are held against. */
export function chartsOf(rows: readonly Reported[]): Bars[] {
  return [
    {
      title: 'events a second',
      bars: rows.map(({ name, events_per_second }) => ({ name, value: events_per_second.median })),
    },
    {
      title: 'CPU us an event',
      bars: rows.map(({ name, cpu_seconds_per_million }) => ({
        name,
        value: cpu_seconds_per_million.median,
      })),
    },
    ...rows.flatMap(({ name, against, ratio, floor }) => {
      const title = `${name}, of ${against}${floor === null ? '' : ` (goal: ${floor})`}`;
      return ratio === null ? [] : [{ title, bars: [{ name: 'ratio', value: ratio.median }] }];
    }),
  ];
}
