import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  isRunning,
  type ProcessIdentity,
  processStart,
  repositoryRoot,
  stopProcess,
} from '@slipstream/environment';
import { waitFor } from '@slipstream/testing';

/** A checkout of the bootstrap alone, with nothing installed, in a path with a space. */
let checkout: string;
let npm: ProcessIdentity | undefined;
beforeEach(() => {
  npm = undefined;
  checkout = mkdtempSync(join(tmpdir(), 'slipstream bootstrap-'));
  mkdirSync(join(checkout, 'tools'));
  copyFileSync(join(repositoryRoot, 'tools/bootstrap.mjs'), join(checkout, 'tools/bootstrap.mjs'));
  writeFileSync(join(checkout, 'package-lock.json'), '{}');
});
afterEach(async () => {
  if (npm) await stopProcess(npm, 'SIGKILL', 1_000);
  rmSync(checkout, { recursive: true });
});

function bootstrap(args: string[], path = process.env.PATH) {
  const { npm_lifecycle_event: _, ...env } = process.env;
  const child = spawn(process.execPath, [join(checkout, 'tools/bootstrap.mjs'), ...args], {
    env: { ...env, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, output })),
  );
  return { child, ended, said: () => output };
}

test.each(['start', 'stack', 'test', 'check', 'bench', 'mutate', 'compose-env'])(
  '%s explains itself before anything is installed',
  async (command) => {
    const { code, output } = await bootstrap([command, '--help']).ended;
    expect([code, output]).toEqual([0, expect.stringContaining('usage: ')]);
    expect(existsSync(join(checkout, 'node_modules'))).toBe(false);
  },
);

test('Ctrl-C during set-up ends it at once, with all that was started, and says so', async () => {
  const bin = join(checkout, 'bin');
  const pidFile = join(checkout, 'npm.pid');
  mkdirSync(bin);
  // An npm that takes its time and does not listen, as the real one; the key is pressed the moment it runs.
  writeFileSync(
    join(bin, 'npm'),
    `#!/bin/sh\n[ "$1" = --version ] && exit 0\ntrap '' INT TERM\necho $$ > '${pidFile}'\nkill -INT $PPID\nwhile :; do sleep 1; done\n`,
  );
  chmodSync(join(bin, 'npm'), 0o755);
  const { ended } = bootstrap(['start'], `${bin}:${process.env.PATH}`);
  const pid = await waitFor(() => (existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0), {
    what: 'npm to run',
  });
  const started = { pid, startedAt: processStart(pid) };
  npm = started;
  const { code, output } = await ended;
  expect(code).toBe(130);
  expect(output).toContain('installing');
  expect(output).toContain('SIGINT: set-up was stopped');
  await waitFor(() => !isRunning(started), { what: 'npm to be gone' });
});
