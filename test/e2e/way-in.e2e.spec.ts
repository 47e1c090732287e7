import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bootStack, root, slipctl, type TestStack } from './support.ts';

let booted: TestStack;

beforeAll(async () => {
  booted = await bootStack({ policies: { outcome_deadline_ms: 3_000 } });
}, 240_000);
afterAll(() => booted?.stop(), 60_000);

/** The commands that README.md shows under the heading. */
function shownCommands(): string[][] {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, section = ''] = readme.split('## Why did my slip not come back?\n');
  return [...section.split('\n## ')[0]!.matchAll(/^ {4}npx slipctl ([^#\n]*)/gm)].map(([, args]) =>
    args!.trim().split(/\s+/),
  );
}

/** What slipctl prints, whatever it ends with. */
async function run(args: string[]): Promise<string> {
  try {
    return await slipctl(booted.stack, args);
  } catch (error) {
    const { code, stdout } = error as { code?: number; stdout?: string };
    if (code !== 1 || stdout === undefined) throw error;
    return stdout;
  }
}

describe('who knows no slip', () => {
  test('learns in the three commands of the README why one did not come back', async () => {
    const { INTAKE_URL, TOKEN_PUBLISHER } = booted.stack.env;
    const headers = { 'content-type': 'application/json' };
    // Whoever is to report this route's answers never does.
    const submitted = await fetch(`${INTAKE_URL}/v1/slips`, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${TOKEN_PUBLISHER}`, 'idempotency-key': '"lost-1"' },
      body: JSON.stringify({
        ...{ reference: 'lost-1', kind: 'order', account: 'cust-1', counterparty: 'shop-7' },
        ...{
          amount: { amount: '1250', currency: 'EUR' },
          route: 'import',
          deadline: new Date(Date.now() + 8_000).toISOString(),
        },
      }),
    });
    expect(submitted.status).toBe(202);
    const [status, cases, timeline] = shownCommands();
    expect([status, cases, timeline?.[0]]).toEqual([['status'], ['cases'], 'timeline']);
    // Other things may be wrong before the case is open.
    while (!/WRONG +cases +\d+ open/.test(await run(status!))) await sleep(500);
    const [slip] = /^[0-9a-f-]{36}/m.exec(await run(cases!))!;
    const told = await run([...timeline!.slice(0, -1), slip]);
    expect(told).toContain('(lost-1)');
    expect(told).toMatch(/^cause +\w+\/\w+ \(\d+ %\): \S/m);
  }, 240_000);
});
