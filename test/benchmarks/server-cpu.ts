import { readdirSync, readFileSync } from 'node:fs';
import type pg from 'pg';

/** The servers that a run stands on; null where no process of theirs can be seen. */
export interface ServerPids {
  readonly postgres: number | null;
  readonly kafka: number | null;
}

/** Finds the servers of a data folder among this machine's processes. */
export async function serverPids(client: pg.Client, dataDir: string): Promise<ServerPids> {
  const { rows } = await client.query<{ pid: number }>(
    "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid",
  );
  const kafka = pids().find((pid) => {
    const command = read(`/proc/${pid}/cmdline`);
    return command.includes('kafka.Kafka') && command.includes(dataDir);
  });
  return { postgres: rows[0]?.pid ?? null, kafka: kafka ?? null };
}

const clockTicksPerSecond = 100;

/** CPU seconds a process and its children have used, those that ended as well; NaN where nothing can be seen. */
export function cpuSecondsOfFamily(pid: number | null): number {
  if (pid === null) return Number.NaN;
  const own = times(pid);
  if (own === null) return Number.NaN;
  const children = pids().flatMap((other) => {
    const found = times(other);
    return found?.parent === pid ? [found.own] : [];
  });
  return [own.own, own.ended, ...children].reduce((sum, ticks) => sum + ticks, 0) / clockTicksPerSecond;
}

function times(pid: number): { parent: number; own: number; ended: number } | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === '') return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const at = (index: number) => Number(fields[index]);
  return { parent: at(1), own: at(11) + at(12), ended: at(13) + at(14) };
}

function pids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Empty when the process has ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
