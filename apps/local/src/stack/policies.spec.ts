import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { dispatchedRoutes, rulesFile, slipsAlone } from './policies.ts';

interface Route {
  mode: string;
  outcome_deadline_ms: number;
  draft_expires_ms?: number;
  draft_remind_before_ms?: number;
  review?: object;
}
const routes = (file: string): Record<string, Route> => parse(readFileSync(file, 'utf8')).routes;

describe('the rules of a local stack', () => {
  test('differ between stack and demo in the deadline, how long drafts live, and the route with reviews only', () => {
    const [stack, demo] = [
      routes(rulesFile('stack', undefined, '')),
      routes(rulesFile('demo', undefined, '')),
    ];
    for (const [name, { draft_expires_ms, draft_remind_before_ms, ...route }] of Object.entries(stack)) {
      if (route.mode !== 'dispatched' || route.review) continue;
      expect(route.outcome_deadline_ms).toBe(5_000);
      expect(demo[name]).toEqual({ ...route, outcome_deadline_ms: 12_000 });
    }
    expect(Object.keys(stack)).toEqual(['default', 'payouts', 'borealis', 'cumulus', 'dorado', 'import']);
  });

  test('take other policies for dispatched routes, in a copy', () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipstream-policies-'));
    const changed = routes(rulesFile('stack', { outcome_deadline_ms: 3_000 }, folder));
    expect(changed.borealis?.outcome_deadline_ms).toBe(3_000);
    expect(changed.import?.outcome_deadline_ms).toBe(86_400_000);
    expect(routes(rulesFile('stack', undefined, '')).borealis?.outcome_deadline_ms).toBe(5_000);
    rmSync(folder, { recursive: true });
  });

  test('offer people files of statements in each format, and tell clients how they stand', () => {
    const rules = parse(readFileSync(rulesFile('stack', undefined, ''), 'utf8'));
    const formats = Object.values(rules.statements as Record<string, { format: string }>).map(
      ({ format }) => format,
    );
    expect(formats).toEqual(['csv', 'ndjson', 'mt940', 'camt.053', 'camt.054']);
    expect(rules.clients).toEqual({ requests_max: 1_000_000, window_ms: 60_000 });
    const folder = mkdtempSync(join(tmpdir(), 'slipstream-policies-'));
    const alone = parse(readFileSync(rulesFile('stack', undefined, folder, slipsAlone), 'utf8'));
    expect(Object.keys(alone)).toEqual(
      Object.keys(rules).filter((key) => key !== 'clients' && key !== 'statements'),
    );
    rmSync(folder, { recursive: true });
  });

  test('take any change: a value, one more provider, and none where there is no value', () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipstream-policies-'));
    const changes = [
      { path: ['providers', 'dorado', 'acceptance_delay_max_ms'] },
      { path: ['providers', 'dorado', 'concurrency_max'], value: 4 },
      { path: ['providers', 'opal'], value: { base_url: 'http://127.0.0.1:1' } },
    ];
    const { providers } = parse(readFileSync(rulesFile('stack', undefined, folder, changes), 'utf8'));
    expect(providers.dorado).toMatchObject({ concurrency_max: 4, connect_timeout_ms: 1_000 });
    expect(Object.keys(providers.dorado)).not.toContain('acceptance_delay_max_ms');
    expect(providers.acme).toMatchObject({ concurrency_max: 32, acceptance_delay_max_ms: 1_000 });
    expect(providers.opal).toEqual({ base_url: 'http://127.0.0.1:1' });
    rmSync(folder, { recursive: true });
  });

  test('name the routes that lead to a provider', () => {
    expect(dispatchedRoutes('stack')).toContainEqual({ route: 'default', provider: 'acme' });
    expect(dispatchedRoutes('stack').map(({ route }) => route)).not.toContain('import');
  });
});
