import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isRunning, type ProcessIdentity, processStart } from '@slipstream/environment';

/**
 * Takes the lock that only one run per checkout can hold; a lock whose process is gone is taken over.
 * @returns gives it back
 * @throws Error that names the process that holds it
 */
export function takeRunLock(file: string): () => void {
  mkdirSync(dirname(file), { recursive: true });
  const self: ProcessIdentity = { pid: process.pid, startedAt: processStart(process.pid) };
  const holder = read(file);
  if (holder && isRunning(holder)) {
    throw new Error(
      `npm start runs already in this checkout (pid ${holder.pid}); stop it with Ctrl-C or kill ${holder.pid}`,
    );
  }
  rmSync(file, { force: true });
  try {
    writeFileSync(file, JSON.stringify(self), { flag: 'wx' });
  } catch (cause) {
    throw new Error(`npm start was just started twice in this checkout, or ${file} cannot be written`, {
      cause,
    });
  }
  return () => rmSync(file, { force: true });
}

function read(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
