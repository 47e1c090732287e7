import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadRules, parseRules } from './rules.ts';
import { rulesDefaults } from './rules-defaults.ts';
import { rulesSchema } from './rules-schema.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/reference/configuration.md'), 'utf8');

/** The cells of every table row that starts with a code word. */
const rows = (text: string) =>
  [...text.matchAll(/^\| `([^`]+)` +\| (.*?) *\|$/gm)].map(([, name, rest = '']) => [
    name,
    ...rest.split(/ *\| */),
  ]);

describe('docs/reference/configuration.md', () => {
  const rules = page.split('## The rules file')[1] ?? '';

  const {
    providers,
    routes,
    clients,
    accounts,
    duplicates,
    limits,
    payments,
    repair,
    cases,
    statements,
    detection,
  } = rulesSchema.properties;
  const { cut_off: cutOff } = (
    payments.additionalProperties as unknown as { properties: { cut_off: object } }
  ).properties;
  const { probe, statement } = (
    providers.additionalProperties as { properties: { probe: object; statement: object } }
  ).properties;
  const { csv: statementCsv } = (statements.additionalProperties as { properties: { csv: object } })
    .properties;
  const { overdraft, review } = (
    routes.additionalProperties as { properties: { overdraft: object; review: object } }
  ).properties;
  it.each([
    ['providers.<name>', providers.additionalProperties, rulesDefaults.provider],
    ['providers.<name>.probe', probe, rulesDefaults.probe],
    ['providers.<name>.statement', statement, rulesDefaults.statement],
    ['routes.<name>', routes.additionalProperties, rulesDefaults.route],
    ['routes.<name>.overdraft', overdraft, rulesDefaults.overdraft],
    ['routes.<name>.review', review, rulesDefaults.review],
    ['clients', clients, {}],
    ['accounts', accounts, rulesDefaults.accounts],
    ['duplicates', duplicates, rulesDefaults.duplicates],
    ['limits.<name>', limits.additionalProperties, rulesDefaults.limit],
    ['payments.<name>', payments.additionalProperties, rulesDefaults.payment],
    ['payments.<name>.cut_off', cutOff, rulesDefaults.cut_off],
    ['repair', repair, rulesDefaults.repair],
    ['cases', cases, rulesDefaults.cases],
    ['statements.<name>', statements.additionalProperties, rulesDefaults.statementSource],
    ['statements.<name>.csv', statementCsv, rulesDefaults.csv],
    ['detection', detection, rulesDefaults.detection],
    ['detection.early_warning', detection.properties.early_warning, rulesDefaults.earlyWarning],
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
      if (key.endsWith('_ladder_ms')) expect(value).toBe((fixed as number[]).join(', '));
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

describe('the rules files that come with the project', () => {
  it.each(['slipstream.config.yaml', 'slipstream.demo.yaml'])('%s loads', (name) => {
    const file = resolve(import.meta.dirname, '../../../deploy/local', name);
    const variables = [...readFileSync(file, 'utf8').matchAll(/\$\{([A-Z_]+)\}/g)].map(
      ([, variable]) => variable!,
    );
    const environment = Object.fromEntries(
      variables.map((variable) => [
        variable,
        variable.endsWith('_URL') ? 'http://127.0.0.1:1' : 'sixteen-or-more-characters',
      ]),
    );
    expect(loadRules(file, environment).routes.size).toBeGreaterThan(1);
  });
});
