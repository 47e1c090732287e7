import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { rulesFile } from './policies.ts';

interface Route {
  mode: string;
  outcome_deadline_ms: number;
}
const routes = (file: string): Record<string, Route> => parse(readFileSync(file, 'utf8')).routes;

describe('the rules of a local stack', () => {
  test('differ between stack and demo in the deadline only', () => {
    const [stack, demo] = [
      routes(rulesFile('stack', undefined, '')),
      routes(rulesFile('demo', undefined, '')),
    ];
    for (const [name, route] of Object.entries(stack)) {
      if (route.mode !== 'dispatched') continue;
      expect(route.outcome_deadline_ms).toBe(5_000);
      expect(demo[name]).toEqual({ ...route, outcome_deadline_ms: 12_000 });
    }
    expect(Object.keys(stack)).toEqual(['default', 'borealis', 'cumulus', 'dorado', 'import']);
  });

  test('take other policies for dispatched routes, in a copy', () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipstream-policies-'));
    const changed = routes(rulesFile('stack', { outcome_deadline_ms: 3_000 }, folder));
    expect(changed.borealis?.outcome_deadline_ms).toBe(3_000);
    expect(changed.import?.outcome_deadline_ms).toBe(86_400_000);
    expect(routes(rulesFile('stack', undefined, '')).borealis?.outcome_deadline_ms).toBe(5_000);
    rmSync(folder, { recursive: true });
  });
});
