import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PostgreSQL refuses to run as root: who runs it then. Ordinary users run it themselves. */
export interface PostgresUser {
  uid: number;
  gid: number;
}

/**
 * As root: the machine's `postgres` user, or else `nobody`; no account is made on the machine.
 * @throws Error when this is root and neither user exists
 */
export function postgresUser(): PostgresUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }));
    if (uid?.status === 0 && gid?.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and there is neither a user "postgres" nor "nobody" here',
  );
}

/**
 * The folder for PostgreSQL's files: inside `dataDir`, unless this is root and PostgreSQL's user cannot get
 * there (a checkout under /root, say): then a new folder outside, where temporary files survive a reboot.
 */
export function newPostgresHome(dataDir: string): string {
  const user = postgresUser();
  if (!user || canEnter(user, dataDir)) return join(dataDir, 'postgres');
  const home = mkdtempSync(join(existsSync('/var/tmp') ? '/var/tmp' : tmpdir(), 'slipstream-postgres-'));
  chmodSync(home, 0o711);
  writeFileSync(join(home, 'made-for'), dataDir);
  return home;
}

/** False for a home that was made for another data folder (a checkout that was copied). */
export function isPostgresHomeOf(home: string, dataDir: string): boolean {
  if (home === join(dataDir, 'postgres')) return true;
  const owner = join(home, 'made-for');
  return existsSync(owner) && readFileSync(owner, 'utf8') === dataDir;
}

/** PostgreSQL's programs where `user` can run them: in place, or as a copy (60 MB) in `home`. */
export function reachablePrograms(bin: string, home: string, user: PostgresUser | undefined): string {
  if (!user || canEnter(user, bin)) return bin;
  const copy = join(home, 'native');
  if (!existsSync(copy)) {
    mkdirSync(home, { recursive: true });
    cpSync(join(bin, '..'), copy, { recursive: true, verbatimSymlinks: true });
  }
  return join(copy, 'bin');
}

/** Asks the kernel instead of guessing from modes, groups and ACLs. */
function canEnter(user: PostgresUser, folder: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], { ...user, cwd: '/' }).status === 0;
}
