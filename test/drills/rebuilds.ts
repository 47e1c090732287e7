import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repositoryRoot } from '@slipstream/environment';
import { programFlags } from '../../apps/slipctl/src/heap.ts';

/** A projection that was made anew beside the live one, by the program that operators use. */
export interface RebuiltProjection {
  readonly name: string;
  /** Rows of the live one that are not as the log has them, by what differs. */
  readonly differing: number;
  readonly seconds: number;
  /** The most memory that the program had; null where there is no /proc. */
  readonly peak_mib: number | null;
}

interface Line {
  readonly result?: readonly { readonly name: string }[] | { readonly differences: readonly unknown[] };
  readonly error?: string;
}

/** Each projection, one after the other; nothing is put in the place of anything. */
export async function rebuildAll(
  databaseUrl: string,
  log: (line: string) => void,
): Promise<readonly RebuiltProjection[]> {
  const { result } = await runRebuild(databaseUrl, ['list']);
  const rebuilt: RebuiltProjection[] = [];
  for (const { name } of result as readonly { readonly name: string }[]) {
    const started = performance.now();
    const { result: found, peakMiB } = await runRebuild(databaseUrl, [name, 'drop']);
    const { differences } = found as { readonly differences: readonly unknown[] };
    const seconds = Math.round((performance.now() - started) / 1_000);
    rebuilt.push({ name, differing: differences.length, seconds, peak_mib: peakMiB });
    log(`  ${name} made anew in ${seconds} s, at most ${peakMiB} MiB: ${differences.length} differences`);
  }
  return rebuilt;
}

async function runRebuild(databaseUrl: string, args: readonly string[]) {
  const program = join(repositoryRoot, 'services/ledger/dist/rebuild/main.js');
  const child = spawn(process.execPath, [...programFlags, program, ...args], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  let last: Line = {};
  let peakMiB: number | null = null;
  // It says something a few times a second.
  for await (const line of createInterface(child.stdout!)) {
    last = JSON.parse(line) as Line;
    peakMiB = peakOf(child.pid!) ?? peakMiB;
  }
  await exit;
  if (last.result === undefined) throw new Error(`${args.join(' ')}: ${last.error ?? 'it ended'}`);
  return { result: last.result, peakMiB };
}

function peakOf(pid: number): number | null {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match && Math.round(Number(match[1]) / 1024);
  } catch {
    return null;
  }
}
