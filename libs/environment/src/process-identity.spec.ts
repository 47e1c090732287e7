import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { waitFor } from '@slipstream/testing';
import { isRunning, processStart, stopProcess } from './process-identity.ts';

const STUBBORN = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)";

async function start(script: string) {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return { pid: child.pid!, startedAt: processStart(child.pid!) };
}

describe('a process', () => {
  test('is known by pid and start together, so a reused pid is not taken for it', async () => {
    const running = await start("console.log('up'); setInterval(() => {}, 1000)");
    expect(isRunning(running)).toBe(true);
    const other = { ...running, startedAt: '1' };
    expect(isRunning(other)).toBe(false);
    await stopProcess(other, 'SIGKILL', 100);
    expect(isRunning(running)).toBe(true);
    await stopProcess(running, 'SIGTERM', 5_000);
    expect(isRunning(running)).toBe(false);
  });

  test('that ignores SIGTERM is killed after the grace', async () => {
    const stubborn = await start(STUBBORN);
    await stopProcess(stubborn, 'SIGTERM', 100);
    expect(isRunning(stubborn)).toBe(false);
  });
});

describe('the watchdog', () => {
  const watchdog = JSON.stringify(join(import.meta.dirname, 'watchdog.ts'));
  const identity = JSON.stringify(join(import.meta.dirname, 'process-identity.ts'));
  /** Starts two children, takes the first out of the watchdog's care, prints their pids. */
  const parent = (end: string) => `
    const { startWatchdog } = await import(${watchdog});
    const { processStart } = await import(${identity});
    const { spawn } = await import('node:child_process');
    const dog = startWatchdog([process.argv[1]]);
    const children = [0, 1].map(() => spawn('sleep', ['60'], { stdio: 'ignore', detached: true }));
    const known = children.map(({ pid }) => ({ pid, startedAt: processStart(pid) }));
    for (const child of known) dog.add(child);
    dog.remove(known[0]);
    console.log(JSON.stringify(known));
    ${end}`;

  async function run(end: string) {
    const folder = mkdtempSync(join(tmpdir(), 'slipstream-watchdog-'));
    const args = ['--input-type=module', '-e', parent(end), folder];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const known = JSON.parse(String((await once(child.stdout, 'data'))[0]));
    return { child, known, folder };
  }

  test('ends what it was told about, and nothing else, when its parent is killed', async () => {
    const { child, known, folder } = await run('setInterval(() => {}, 1000);');
    expect(known.map(isRunning)).toEqual([true, true]);
    child.kill('SIGKILL');
    await waitFor(() => !isRunning(known[1]), { what: 'the child to end' });
    await waitFor(() => !existsSync(folder), { what: 'the folder to go' });
    expect(isRunning(known[0])).toBe(true);
    process.kill(known[0].pid);
  });

  test('touches nothing after an orderly close', async () => {
    const { child, known, folder } = await run('dog.close(); for (const c of children) c.unref();');
    await once(child, 'exit');
    // The folder's name stands in the watchdog's command line.
    const watches = () => spawnSync('pgrep', ['-f', basename(folder)]).status === 0;
    await waitFor(() => !watches(), { what: 'the watchdog to go' });
    expect(known.map(isRunning)).toEqual([true, true]);
    expect(existsSync(folder)).toBe(true);
    for (const one of known) process.kill(one.pid);
    rmdirSync(folder);
  });
});
