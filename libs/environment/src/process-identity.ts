import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * When the process with this pid was started, or '' when there is none (a zombie counts as none).
 * Pid and start time together name a process for good, so a reused pid is never taken for ours.
 */
export function processStart(pid: number): string {
  if (existsSync('/proc/self/stat')) return linuxProcessStart(pid);
  return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';
}

/** proc(5): after the command in brackets come the state (field 3) and, 19 fields on, the start in ticks (22). */
function linuxProcessStart(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

export interface ProcessIdentity {
  readonly pid: number;
  /** `processStart(pid)` right after the start. */
  readonly startedAt: string;
}

export function isRunning(process: ProcessIdentity): boolean {
  return process.startedAt !== '' && processStart(process.pid) === process.startedAt;
}

/** Sends `signal`, waits up to `graceMs`, then sends SIGKILL. Does nothing when the process is gone. */
export async function stopProcess(
  process: ProcessIdentity,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<void> {
  if (!trySignal(process, signal) || (await ended(process, graceMs))) return;
  trySignal(process, 'SIGKILL');
  await ended(process, 5_000);
}

function trySignal(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(target)) return false;
  try {
    process.kill(target.pid, signal);
    return true;
  } catch {
    return false;
  }
}

async function ended(target: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  while (isRunning(target)) {
    if (performance.now() > until) return false;
    await sleep(25);
  }
  return true;
}
