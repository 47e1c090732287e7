import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * What an engineer would take instead: a durable workflow for each slip (Temporal's dev server with a file), or a delayed
 * job for each slip's deadline (pg-boss). They are no part of this project; `--peers` names the folder where they were laid
 * out and built. Their `run.sh` prints a line of `name=value` pairs for each run.
 */
export interface DurablePeers {
  readonly folder: string;
}

export interface TemporalRun {
  /** Workflows a second, one for each slip: started, handed over, signalled, completed. */
  readonly per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
}

export interface PgBossRun {
  /** Slips a second, whose deadline's job is sent and cancelled: nothing else of a slip is done. */
  readonly per_second: number;
}

/** @throws Error that says what is missing in the folder */
export function openDurablePeers(folder: string): DurablePeers {
  for (const needed of ['temporal/run.sh', 'bin/temporal', 'pgboss/run.sh', 'pg/pg.sh', 'js/node_modules'])
    if (!existsSync(join(folder, needed)))
      throw new Error(`${folder} has no ${needed}: lay the peers out and build them there first`);
  return { folder: resolve(folder) };
}

/** A dev server with a file: so many workflows from 64 callers. @throws Error when it tells no figures */
export async function runTemporal({ folder }: DurablePeers, slips: number): Promise<TemporalRun> {
  const said = await run(join(folder, 'temporal/run.sh'), [], { RUNS: '1', N: String(slips) });
  const printed = lineOf(said, 'temporal file ');
  return {
    per_second: Number(printed['workflows/s']),
    p50_ms: Number.parseFloat(printed.e2e_p50!),
    p99_ms: Number.parseFloat(printed.p99!),
  };
}

/** On a PostgreSQL of its own, as durable as ours. @throws Error when it tells no figures */
export async function runPgBoss({ folder }: DurablePeers, slips: number): Promise<PgBossRun> {
  const server = join(folder, 'pg/pg.sh');
  await run(server, ['start'], {});
  try {
    const said = await run(join(folder, 'pgboss/run.sh'), [], { RUNS: '1', N: String(slips) });
    return { per_second: Number(lineOf(said, 'pgboss conc')['slips/s']) };
  } finally {
    await run(server, ['stop'], {});
  }
}

function lineOf(said: string, start: string): Readonly<Record<string, string>> {
  const line = said.split('\n').find((one) => one.startsWith(start));
  if (line === undefined) throw new Error(`the peer told no '${start}': ${said.slice(-2_000)}`);
  // The first of a name: what follows is about its timers.
  const pairs = [...line.matchAll(/(\S+?)=(\S+)/g)].map(([, name, value]) => [name!, value!] as const);
  return Object.fromEntries(pairs.toReversed());
}

async function run(program: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  const child = spawn(program, [...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${said.slice(-2_000)}`);
  return said;
}
