import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A copy of the checkout that may be broken: the checkout itself is never touched. */
export interface Scratch {
  readonly root: string;
  remove(): void;
}

/** Copies what git knows or would add, as it stands now, and shares the installed packages. */
export function makeScratch(checkout: string): Scratch {
  const root = mkdtempSync(join(tmpdir(), 'slipstream-mutate-'));
  const remove = () => rmSync(root, { recursive: true, force: true });
  process.once('exit', remove);
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: checkout,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  for (const file of listed.split('\0')) {
    const source = join(checkout, file);
    if (file === '' || !existsSync(source)) continue;
    const target = join(root, file);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(source, target);
  }
  symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'));
  return {
    root,
    remove() {
      process.off('exit', remove);
      remove();
    },
  };
}
