import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CommandContext } from '@slipstream/slipctl';
import { waitFor } from '@slipstream/testing';
import pg from 'pg';
import { helpExamples } from './help-examples.ts';
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
    await waitFor(async () => /WRONG +cases +\d+ open/.test(await run(status!)), {
      ...{ what: 'an open case in slipctl status', timeoutMs: 200_000, intervalMs: 500 },
    });
    const [slip] = /^[0-9a-f-]{36}/m.exec(await run(cases!))!;
    const told = await run([...timeline!.slice(0, -1), slip]);
    expect(told).toContain('(lost-1)');
    expect(told).toMatch(/^cause +\w+\/\w+ \(\d+ %\): \S/m);
  }, 240_000);
});

/** Examples that must name what this stack does not have. */
const refusedHere: Readonly<Record<string, readonly number[]>> = {
  'statements send': [2],
  'partitions go-on': [1, 2],
  // There is no sandbox here; the command has a spec of its own.
  'provider certify': [2],
};

/** As examples/olist.yaml reads them. */
const orders = `order_id,customer_id,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,\
order_delivered_customer_date,order_estimated_delivery_date
o-1,c-1,2018-07-24 20:41:37,2018-07-26 03:24:27,2018-07-26 14:31:00,2018-08-07 15:27:45,2018-08-13 00:00:00
o-2,c-2,2018-07-24 20:41:37,,,,2018-08-13 00:00:00
`;

const quiet = (terminal: CommandContext['terminal']): CommandContext => ({
  ...{ terminal, nowMs: () => 0, print() {}, async write() {}, exit() {}, refuse() {} },
  interruptible: () => new AbortController().signal,
});

describe('whoever upgrades', () => {
  test('is told what of any service was lost, and not what came since', async () => {
    const { DATABASE_URL = '' } = booted.stack.env;
    const file = join(booted.dataDir, 'before.json');
    const check = async (how: string) =>
      JSON.parse(await run(['migrate', 'check', `--${how}`, file, '--json'])) as {
        problems: string[];
        services: { service: string; slips: number; missing: number }[];
      };
    const before = await check('save');
    expect(before).toMatchObject({ ok: true, problems: [] });
    expect(before.services.map(({ service, missing }) => [service, missing])).toEqual([
      ['intake', 0],
      ['provider-gateway', 0],
      ['reconciliation', 0],
    ]);
    for (const { slips } of before.services) expect(slips).toBeGreaterThan(0);
    expect(await check('against')).toMatchObject({ ok: true, problems: [] });
    const database = new pg.Client({
      connectionString: DATABASE_URL.replace(/\/[^/]*$/, '/provider_gateway'),
    });
    await database.connect();
    try {
      const { rows } = await database.query("update dispatch set account = account || '?' returning slip_id");
      expect((await check('against')).problems).toEqual([
        'provider-gateway has other slips than before, or other things of them',
      ]);
      await database.query("update dispatch set account = rtrim(account, '?')");
      await database.query("update dispatch set slip_id = 'x' || slip_id where slip_id = $1", [
        rows[0].slip_id,
      ]);
      expect((await check('against')).problems).toContain(
        `provider-gateway has lost 1 slips: ${rows[0].slip_id}`,
      );
      await database.query('update dispatch set slip_id = $1 where slip_id = $2', [
        ...[rows[0].slip_id, `x${rows[0].slip_id}`],
      ]);
    } finally {
      await database.end();
    }
    expect(await check('against')).toMatchObject({ ok: true });
  }, 120_000);
});

describe('whoever reads --help', () => {
  test.each([
    ['lag'],
    ['topics check'],
    ['reconcile diff'],
    ['reconcile diagnoses'],
    ['backtest --config slipstream.config.yaml'],
  ])('is told by %s, too, what is wrong with how brokers are to be spoken to', async (command) => {
    const stack = { ...booted.stack, env: { ...booted.stack.env, KAFKA_TLS: 'yes' } };
    await expect(slipctl(stack, command.split(' '))).rejects.toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('KAFKA_TLS: must be one of on, off') },
    });
  });

  test('finds that every example of every command works as it is written', async () => {
    // slipctl reads the environment when it is loaded.
    const rules = join(booted.dataDir, 'slipstream.config.yaml');
    Object.assign(process.env, booted.stack.env, { SLIPSTREAM_CONFIG: rules });
    const { buildProgram, exitCodes, Terminal } = await import('@slipstream/slipctl');
    const folder = mkdtempSync(join(tmpdir(), 'help-examples-'));
    const named: Readonly<Record<string, string>> = {
      'ord-1001': 'lost-1',
      'slipstream.config.yaml': rules,
      'changed.yaml': rules,
      ...Object.fromEntries(
        [
          ...['lost.txt', 'lost.ndjson', 'backtest.svg', 'day.csv', 'before.json', 'orders.csv'],
          ...['verdicts.csv', 'slips.csv', 'returned.ndjson', 'books.ndjson', 'postings.csv'],
          ...['proof.json', 'other.json'],
        ].map((name) => [name, join(folder, name)]),
      ),
    };
    writeFileSync(join(folder, 'lost.txt'), 'nobody\n');
    writeFileSync(join(folder, 'day.csv'), 'a,b\n');
    writeFileSync(join(folder, 'orders.csv'), orders);
    /** Runs one in this process, which takes a hundredth of one of its own. */
    const call = async (args: readonly string[]) => {
      const ending = new AbortController();
      const said: string[] = [];
      let code = 0;
      const program = buildProgram({
        terminal: new Terminal({ write: (text) => said.push(text) }, () => performance.now()),
        nowMs: () => performance.now(),
        print: (text) => said.push(text),
        write: async (bytes) => void said.push(Buffer.from(bytes).toString()),
        exit: (exitCode) => {
          code = exitCode;
        },
        refuse: (text) => said.push(text),
        interruptible: () => ending.signal,
      });
      try {
        await program.parseAsync(['node', 'slipctl', ...args]);
      } catch (error) {
        const {
          exitCode = -1,
          code: name = '',
          message,
        } = error as { exitCode?: number; code?: string; message: string };
        said.push(message);
        // Commander's own errors say 1.
        code = name.startsWith('commander.') ? exitCodes.usage : exitCode;
      }
      return { code, said: said.join('\n') };
    };
    try {
      const examples = helpExamples(buildProgram(quiet(new Terminal({ write() {} }, () => 0))));
      expect(examples.length).toBeGreaterThan(40);
      const ended: unknown[] = [];
      for (const { command, args } of examples) {
        const meant = args.map((arg) => named[arg] ?? arg);
        // It would go on until somebody ends it.
        if (command === 'tail') meant.push('--slip', 'lost-1', '--count', '1');
        if (command === 'tail' && !meant.includes('--since')) meant.push('--past');
        const { code, said } = await call(meant);
        const expected = refusedHere[command] ?? [0, 1];
        if (!expected.includes(code)) ended.push([args.join(' '), code, said.slice(0, 300)]);
      }
      expect(ended).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 600_000);
});
