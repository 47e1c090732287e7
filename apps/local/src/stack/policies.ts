import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@slipstream/environment';
import { parse, parseDocument } from 'yaml';

export type Profile = 'demo' | 'stack';

const FILES: Record<Profile, string> = {
  stack: 'deploy/local/slipstream.config.yaml',
  demo: 'deploy/local/slipstream.demo.yaml',
};

/** Values for every dispatched route, by their names in the rules file (`outcome_deadline_ms: 3000`). */
export type RoutePolicies = Record<string, number | boolean | number[]>;

/** A value in the rules file, by the keys that lead to it; without a value what is there is taken away. */
export interface RuleChange {
  readonly path: readonly string[];
  readonly value?: unknown;
}

/** The profile's rules without what people are offered beside the slips themselves: what is measured is measured without it. */
export const slipsAlone: readonly RuleChange[] = [{ path: ['clients'] }, { path: ['statements'] }];

/** The rules file for a profile, or a copy in `dataDir` with other policies. */
export function rulesFile(
  profile: Profile,
  policies: RoutePolicies | undefined,
  dataDir: string,
  changes: readonly RuleChange[] = [],
): string {
  const file = join(repositoryRoot, FILES[profile]);
  if (!policies && changes.length === 0) return file;
  const document = parseDocument(readFileSync(file, 'utf8'));
  for (const { path, value } of changes) {
    if (value === undefined) document.deleteIn(path);
    else document.setIn(path, document.createNode(value));
  }
  const { routes } = document.toJS() as { routes: Record<string, { mode: string }> };
  for (const [route, { mode }] of Object.entries(routes)) {
    if (mode !== 'dispatched') continue;
    for (const [name, value] of Object.entries(policies ?? {}))
      document.setIn(['routes', route, name], value);
  }
  const changed = join(dataDir, 'slipstream.config.yaml');
  writeFileSync(changed, String(document));
  return changed;
}

/** The routes of a profile that lead to a provider, and to which. */
export function dispatchedRoutes(profile: Profile): { readonly route: string; readonly provider: string }[] {
  const text = readFileSync(join(repositoryRoot, FILES[profile]), 'utf8');
  const { routes } = parse(text) as { routes: Record<string, { mode: string; provider: string }> };
  return Object.entries(routes).flatMap(([route, { mode, provider }]) =>
    mode === 'dispatched' ? [{ route, provider }] : [],
  );
}
