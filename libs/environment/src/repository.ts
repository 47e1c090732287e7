import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The checkout this file belongs to, whether it runs from `src` or from `dist`. */
export const repositoryRoot = find(import.meta.dirname);

function find(folder: string): string {
  if (existsSync(join(folder, 'nx.json'))) return folder;
  if (folder === dirname(folder)) throw new Error('no nx.json above this file: not inside the checkout');
  return find(dirname(folder));
}
