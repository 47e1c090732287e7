import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@slipstream/environment';
import { parseDocument } from 'yaml';

export type Profile = 'demo' | 'stack';

const FILES: Record<Profile, string> = {
  stack: 'deploy/local/slipstream.config.yaml',
  demo: 'deploy/local/slipstream.demo.yaml',
};

/** Values for every dispatched route, by their names in the rules file (`outcome_deadline_ms: 3000`). */
export type RoutePolicies = Record<string, number | boolean | number[]>;

/** The rules file for a profile, or a copy in `dataDir` with other policies. */
export function rulesFile(profile: Profile, policies: RoutePolicies | undefined, dataDir: string): string {
  const file = join(repositoryRoot, FILES[profile]);
  if (!policies) return file;
  const document = parseDocument(readFileSync(file, 'utf8'));
  const { routes } = document.toJS() as { routes: Record<string, { mode: string }> };
  for (const [route, { mode }] of Object.entries(routes)) {
    if (mode !== 'dispatched') continue;
    for (const [name, value] of Object.entries(policies)) document.setIn(['routes', route, name], value);
  }
  const changed = join(dataDir, 'slipstream.config.yaml');
  writeFileSync(changed, String(document));
  return changed;
}
