import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, type ProcessIdentity, processStart, stopProcess } from './process-identity.ts';
import type { ServerProcess } from './server-process.ts';

interface Entry extends ProcessIdentity {
  name: string;
  stopSignal: 'SIGTERM' | 'SIGINT';
}

interface Content {
  owner: ProcessIdentity;
  servers: Entry[];
}

/** `<dataDir>/pids.json`: who started which servers, so that a crashed run can be cleaned up. */
export interface PidFile {
  add(server: ServerProcess): void;
  remove(): void;
}

/**
 * Stops what a crashed run left behind and takes the folder over.
 * @throws Error when the run that owns the folder is alive
 */
export async function openPidFile(dataDir: string, log: (line: string) => void): Promise<PidFile> {
  const path = join(dataDir, 'pids.json');
  const left = read(path);
  if (left && isRunning(left.owner)) {
    throw new Error(
      `${dataDir} is in use by process ${left.owner.pid}; stop it first, or use another folder`,
    );
  }
  for (const server of left?.servers ?? []) {
    if (isRunning(server)) log(`stopping ${server.name} (pid ${server.pid}), left by a run that crashed`);
    await stopProcess(server, server.stopSignal, 10_000);
  }
  const content: Content = { owner: { pid: process.pid, startedAt: processStart(process.pid) }, servers: [] };
  write(path, content);
  return {
    add({ name, pid, startedAt, stopSignal }) {
      content.servers.push({ name, pid, startedAt, stopSignal });
      write(path, content);
    },
    remove: () => rmSync(path, { force: true }),
  };
}

function read(path: string): Content | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Content;
  } catch {
    return undefined; // missing, or cut off by a crash before any server was started
  }
}

function write(path: string, content: Content): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}
