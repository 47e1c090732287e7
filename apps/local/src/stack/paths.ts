import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@slipstream/environment';

/** A compiled entry. @throws Error that says how to build when it is not there */
export function compiled(path: string): string {
  const file = join(repositoryRoot, path);
  if (!existsSync(file)) throw new Error(`${path} is missing: run \`npm run build\` first`);
  return file;
}
