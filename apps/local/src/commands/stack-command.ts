import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  exitCodeOf,
  type Interrupted,
  interruptible,
  repositoryRoot,
  runCommand,
} from '@slipstream/environment';
import { startStack } from '../stack/stack.ts';

const END_TIMEOUT_MS = 10_000;
const COMMAND_NOT_FOUND = 127;

const [command, ...args] = process.argv.slice(2);

/** stdout is CMD's alone; everything said here goes to stderr. */
await runCommand(async (stop) => {
  if (command === undefined) {
    console.error('a command is missing; see: npm run stack -- --help');
    return 2;
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-stack-'));
  try {
    const boot = startStack({
      dataDir,
      profile: 'stack',
      log: (line) => console.error(line),
      removeOnCrash: [dataDir],
    });
    const stack = await interruptible(boot, stop);
    try {
      console.error(`the stack is up; logs in ${stack.logsDir} while it runs`);
      return await runChild(command, args, stack.env, stop);
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

/** Runs CMD without a shell, so that its arguments stay as they are. */
async function runChild(
  command: string,
  args: string[],
  env: Record<string, string>,
  stop: AbortSignal,
): Promise<number> {
  const PATH = [join(repositoryRoot, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env, PATH } });
  stop.addEventListener('abort', () => {
    child.kill((stop.reason as Interrupted).signal);
    void sleep(END_TIMEOUT_MS, undefined, { ref: false }).then(() => child.kill('SIGKILL'));
  });
  return new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(`cannot run ${command}: ${error.message}`);
      resolve(COMMAND_NOT_FOUND);
    });
    child.once('close', (code, signal) => resolve(signal ? exitCodeOf(signal) : (code ?? 1)));
  });
}
