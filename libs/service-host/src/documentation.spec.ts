import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type ErrorCode, errorCodes } from '@slipstream/kernel';
import { commonSettings } from './common-settings.ts';
import { httpStatuses } from './problem.ts';
import { parseRules, rulesDefaults } from './rules.ts';
import { rulesSchema } from './rules-schema.ts';

const page = (name: string) =>
  readFileSync(resolve(import.meta.dirname, '../../../docs/reference', name), 'utf8');

/** The cells of every table row that starts with a code word. */
const rows = (text: string) =>
  [...text.matchAll(/^\| `([^`]+)` +\| (.*?) *\|$/gm)].map(([, name, rest = '']) => [
    name,
    ...rest.split(/ *\| */),
  ]);

describe('docs/reference/errors.md', () => {
  const documented = rows(page('errors.md'));

  it('has every code of the registry exactly once, and no other', () => {
    expect(documented.map(([code]) => code).sort()).toEqual(Object.keys(errorCodes).sort());
  });

  it.each(documented)('tells the status of %s and whether to repeat', (code, status, again) => {
    expect(Number(status)).toBe(httpStatuses[code as ErrorCode]);
    expect(again).toBe(errorCodes[code as ErrorCode].retryable ? 'yes' : 'no');
  });
});

describe('docs/reference/configuration.md', () => {
  const text = page('configuration.md');
  const [environment = '', rules = ''] = text.split('## The rules file');

  it('has every common variable and says of it what the program says', () => {
    const told = rows(environment).map(([name, , what]) => [name, what]);
    expect(told).toEqual(
      Object.values(commonSettings).map(({ variable, description }) => [variable, description]),
    );
  });

  const { providers, routes, detection } = rulesSchema.properties;
  it.each([
    ['providers.<name>', providers.additionalProperties, rulesDefaults.provider],
    ['routes.<name>', routes.additionalProperties, rulesDefaults.route],
    ['detection', detection, rulesDefaults.detection],
  ])('has every key of %s with its default', (section, schema, defaults) => {
    const body = rules.split('### ').find((part) => part.startsWith(`\`${section}\``)) ?? '';
    const { properties, required = [] } = schema as { properties: object; required?: readonly string[] };
    const told = rows(body);
    expect(told.map(([key]) => key).sort()).toEqual(Object.keys(properties).sort());
    for (const [key = '', value = ''] of told) {
      expect([key, value === 'required']).toEqual([key, required.includes(key)]);
      const fixed = (defaults as Record<string, unknown>)[key];
      if (typeof fixed === 'number' || typeof fixed === 'boolean')
        expect([key, value]).toEqual([key, String(fixed)]);
      if (key === 'inquiry_ladder_ms') expect(value).toBe((fixed as number[]).join(', '));
    }
  });

  it('shows rules that load', () => {
    const yaml = /```yaml\n([\s\S]*?)```/.exec(rules)?.[1] ?? '';
    const environment = {
      PROVIDER_ACME_URL: 'http://127.0.0.1:1',
      PROVIDER_ACME_SECRET: 'sixteen-or-more-characters',
    };
    expect(parseRules(yaml, { file: 'configuration.md', environment }).routes.size).toBe(2);
  });
});
