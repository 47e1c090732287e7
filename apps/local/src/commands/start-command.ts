import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodeOf, Interrupted, interruptible, repositoryRoot, runCommand } from '@slipstream/environment';
import { runDemoFeed } from '../demo/feed.ts';
import { startStack } from '../stack/stack.ts';
import { shellWord, writeShellFile } from './env-file.ts';
import { takeRunLock } from './run-lock.ts';

const args = process.argv.slice(2);
const exit = args.includes('--exit');

/** Progress goes to stderr; stdout belongs to the feed. */
await runCommand(async (stop) => {
  const unknown = args.filter((arg) => arg !== '--exit');
  if (unknown.length > 0) {
    console.error(`unknown: ${unknown.join(' ')}\nsee: npm start -- --help`);
    return 2;
  }
  const home = join(repositoryRoot, '.slipstream');
  const release = takeRunLock(join(home, 'start.lock'));
  try {
    const log = (line: string) => console.error(line);
    const dataDir = join(home, 'start');
    const envFile = join(dataDir, 'env');
    const removeOnCrash = [envFile];
    const boot = startStack({ dataDir, keepData: true, profile: 'demo', log, removeOnCrash });
    const stack = await interruptible(boot, stop);
    try {
      writeShellFile(envFile, stack.env);
      log(`addresses and tokens for a shell: . ${shellWord(envFile)}`);
      await interruptible(runDemoFeed(stack, { exit }), stop);
      return Number(process.exitCode ?? 0); // the feed sets it when it went wrong
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      log('stopping');
      return exit ? exitCodeOf(error.signal) : 0; // without --exit, Ctrl-C is how it ends
    } finally {
      rmSync(envFile, { force: true });
      await stack.stop();
    }
  } finally {
    release();
  }
});
