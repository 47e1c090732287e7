import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { changesBetween, plainRules } from './plain-rules.ts';

const text = readFileSync(
  join(import.meta.dirname, '../../../../deploy/local/slipstream.config.yaml'),
  'utf8',
);

describe('rules as they are in force', () => {
  it('have all that a file is silent about, by the names of the file, and no secret', () => {
    const rules = plainRules(text, 'rules.yaml');
    expect(rules.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(rules).toMatchObject({ detection: { grace_ms: expect.any(Number) }, repair: expect.anything() });
    for (const { secrets } of Object.values(rules.providers as Record<string, { secrets: unknown }>))
      expect(secrets).toBe('(not shown)');
  });

  it('differ by what was changed, whatever the layout', () => {
    const rules = plainRules(text, 'rules.yaml');
    expect(changesBetween(rules, plainRules(`# a word\n${text}`, 'b.yaml'))).toEqual([]);
    const changed = structuredClone(rules) as { detection: { grace_ms: number }; more?: unknown };
    changed.detection.grace_ms += 1;
    changed.more = { list: [1], none: [] };
    expect(changesBetween(rules, changed as never)).toEqual([
      {
        path: 'detection.grace_ms',
        before: changed.detection.grace_ms - 1,
        after: changed.detection.grace_ms,
      },
      { path: 'more.list.0', before: null, after: 1 },
      { path: 'more.none', before: null, after: '[]' },
    ]);
  });
});
