import { readFileSync } from 'node:fs';

/** One timed run. CPU seconds are those of the process named: this one, or a service's. */
export interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly items: number;
}

export interface Row {
  readonly name: string;
  /** The raw limit this is held against; null for what is reported as it is. */
  readonly against: string | null;
  /** The least ratio that is good enough; null where none was set. */
  readonly floor: number | null;
  readonly samples: Sample[];
}

const clockTicksPerSecond = 100;

/** CPU seconds a process has used (user and system), from /proc; NaN where there is none. */
export function cpuSecondsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
  } catch {
    return Number.NaN;
  }
}

/** Largest resident set of a process so far, MiB. */
export function peakRssMiB(pid: number): number {
  return statusMiB(pid, 'VmHWM');
}

/** Resident set of a process now, MiB. */
export function residentMiB(pid: number): number {
  return statusMiB(pid, 'VmRSS');
}

function statusMiB(pid: number, name: string): number {
  try {
    const match = new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match ? Math.round(Number(match[1]) / 1024) : Number.NaN;
  } catch {
    return Number.NaN;
  }
}

/** Times work that handles `items` in this process. */
export async function timed(items: number, work: () => Promise<void>): Promise<Sample> {
  global.gc?.();
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuSeconds: (user + system) / 1e6, items };
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { min: sorted[0]!, median: sorted[Math.floor(sorted.length / 2)]!, max: sorted.at(-1)! };
}

export const rate = (sample: Sample): number => sample.items / sample.seconds;
