import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout this file belongs to, whether it runs from `src` or from `dist`. */
export function repositoryRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'deploy/local/kafka/pom.xml'))) {
    if (folder === dirname(folder)) throw new Error('deploy/local/kafka/pom.xml not found above this file');
    folder = dirname(folder);
  }
  return folder;
}
