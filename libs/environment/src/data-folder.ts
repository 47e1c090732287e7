import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openPidFile } from './pid-file.ts';
import type { EnvironmentOptions } from './port.ts';
import { isPostgresHomeOf, newPostgresHome } from './postgres-home.ts';
import type { ServerProcess } from './server-process.ts';
import { startWatchdog } from './watchdog.ts';

/** What outlives a run with `keepData`: `<dataDir>/environment.json`, written when both parts are up. */
interface Kept {
  kafkaClusterId: string;
  postgresHome: string;
  postgresPassword: string;
}

/** The folder of one running environment: its data, its logs, and the care for its processes. */
export interface DataFolder extends Kept {
  readonly path: string;
  /** Records a server, so that it is stopped whatever happens to this process. */
  started(server: ServerProcess): void;
  /** The environment is up: from now on its data can be reused. */
  complete(): void;
  /** All servers are stopped: forgets them, and removes the data unless it is kept. */
  close(): void;
}

/** @throws Error when another live process uses the folder, or it belongs to another user */
export async function openDataFolder(options: EnvironmentOptions): Promise<DataFolder> {
  const path = resolve(options.dataDir);
  const existed = existsSync(path);
  mkdirSync(path, { recursive: true });
  checkOwner(path);
  const pids = await openPidFile(path, options.log ?? (() => {}));
  const kept = (options.keepData && reusable(path)) || renew(path);
  const fresh = existed ? dataPaths(path, kept) : [path, kept.postgresHome];
  const watchdog = startWatchdog(options.keepData ? [] : fresh);
  return {
    path,
    ...kept,
    started(server) {
      pids.add(server);
      watchdog.add(server, server.stopSignal === 'SIGINT' ? 'INT' : 'TERM');
    },
    complete: () => writeFileSync(keptFile(path), JSON.stringify(kept), { mode: 0o600 }),
    close() {
      watchdog.close();
      pids.remove();
      if (!options.keepData) remove(fresh);
    },
  };
}

function checkOwner(path: string): void {
  const { uid, mode } = statSync(path);
  const self = process.getuid?.() ?? uid;
  if (uid !== self)
    throw new Error(`${path} belongs to another user (uid ${uid}): run as that user, or remove it`);
  if (self === 0) chmodSync(path, mode | 0o011); // PostgreSQL runs as somebody else and has to pass through
}

const keptFile = (path: string) => join(path, 'environment.json');

const dataPaths = (path: string, kept: Kept | undefined) => [
  join(path, 'kafka'),
  join(path, 'postgres'),
  keptFile(path),
  ...(kept && isPostgresHomeOf(kept.postgresHome, path) ? [kept.postgresHome] : []),
];

/** Kafka's log and the databases belong together: either both are there or both start anew. */
function reusable(path: string): Kept | undefined {
  const kept = readKept(path);
  if (!kept || !isPostgresHomeOf(kept.postgresHome, path)) return undefined;
  try {
    const kafka = readFileSync(join(path, 'kafka/data/meta.properties'), 'utf8');
    const postgres = readFileSync(join(kept.postgresHome, 'data/PG_VERSION'), 'utf8');
    return kafka.includes(kept.kafkaClusterId) && postgres.trim() === '18' ? kept : undefined;
  } catch {
    return undefined;
  }
}

function renew(path: string): Kept {
  remove(dataPaths(path, readKept(path)));
  return {
    kafkaClusterId: `s${randomBytes(16).toString('base64url').slice(1)}`, // a leading '-' would read as an option
    postgresHome: newPostgresHome(path),
    postgresPassword: randomBytes(24).toString('base64url'),
  };
}

function readKept(path: string): Kept | undefined {
  try {
    return JSON.parse(readFileSync(keptFile(path), 'utf8')) as Kept;
  } catch {
    return undefined; // none, or half written
  }
}

function remove(paths: string[]): void {
  for (const path of paths) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}
