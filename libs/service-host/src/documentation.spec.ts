import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type ErrorCode, errorCodes } from '@slipstream/kernel';
import { commonSettings } from './common-settings.ts';
import { httpStatuses } from './problem.ts';

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
  const [environment = ''] = text.split('## The rules file');

  it('has every common variable and says of it what the program says', () => {
    const told = rows(environment).map(([name, , what]) => [name, what]);
    expect(told).toEqual(
      Object.values(commonSettings).map(({ variable, description }) => [variable, description]),
    );
  });
});
