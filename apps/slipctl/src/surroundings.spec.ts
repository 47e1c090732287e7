import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { launcher, serve, slipctl } from './spec-support.ts';

const slip = (n: number) => ({
  ...{ id: `s-${n}`, reference: `ord-${n}`, kind: 'order', account: 'cust-42', counterparty: 'shop-7' },
  ...{ provider: 'acme', amount: null, clock: 'wall', status: 'settled', outcome: 'succeeded', case: null },
  ...{ cause: null, submitted_at: '2026-11-22T10:00:00.000000Z', overdue: false, returned_at: null },
  deadline: null,
});
const pages = 30;
const page = (at: number) => Array.from({ length: 1_000 }, (_, n) => slip(at * 1_000 + n));

let service: Awaited<ReturnType<typeof serve>>;
let env: Record<string, string>;
beforeAll(async () => {
  service = await serve(({ searchParams }) => {
    const at = Number(searchParams.get('cursor') ?? 0);
    return { body: { data: page(at), next: at + 1 < pages ? String(at + 1) : null } };
  });
  env = { LEDGER_URL: service.url, TOKEN_SRE: 'good' };
});
afterAll(() => service.stop());

const start = (args: readonly string[], stdout: number | 'pipe') =>
  spawn(process.execPath, [launcher, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', stdout, 'pipe'],
  });

async function endOf(child: ReturnType<typeof start>): Promise<{ code: number | null; stderr: string }> {
  let stderr = '';
  child.stderr!.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

describe('what slipctl writes to', () => {
  it.each([[['--json']], [['--csv']], [[]]])(
    'may have read enough: slips --all %p | head -1',
    async (form) => {
      const child = start(['slips', '--all', ...form], 'pipe');
      const ended = endOf(child);
      await once(child.stdout!, 'data');
      child.stdout!.destroy();
      expect(await ended).toEqual({ code: 0, stderr: '' });
    },
  );

  // Where there is none, no disk can be made full.
  (existsSync('/dev/full') ? it : it.skip)('may be full: that is an error in one line', async () => {
    const full = openSync('/dev/full', 'w');
    try {
      for (const form of [[], ['--json']]) {
        const { code, stderr } = await endOf(start(['slips', '--limit', '5', ...form], full));
        expect([code, stderr.trim().split('\n').at(-1)]).toEqual([
          ...[1, expect.stringContaining('standard output cannot be written: ENOSPC')],
        ]);
      }
    } finally {
      closeSync(full);
    }
  });

  it('may be somebody who hears no messages: the exit code is the same', async () => {
    const child = start(['slips', '--limit', '0'], 'pipe');
    child.stderr!.destroy();
    child.stdout!.resume();
    expect(await once(child, 'close')).toEqual([2, null]);
  });

  it('has every slip once, in tables that are as long as memory allows', async () => {
    const { code, stdout } = await slipctl(['slips', '--all'], env);
    const lines = stdout.trimEnd().split('\n');
    const headers = lines.filter((line) => line.startsWith('slip '));
    expect([code, headers.length, lines.length]).toEqual([0, 3, pages * 1_000 + 3]);
    expect(new Set(lines.filter((line) => !headers.includes(line))).size).toBe(pages * 1_000);
  });
});

describe('settings that cannot be meant', () => {
  it.each([
    ['a host without a scheme', { LEDGER_URL: 'localhost:8080' }, 'no URL of HTTP'],
    ['another protocol', { LEDGER_URL: 'postgres://u:geheim@127.0.0.1/ledger' }, 'no URL of HTTP'],
    ['a password in an address', { LEDGER_URL: 'http://u:geheim@127.0.0.1' }, 'a user or a password in it'],
    ['a token with a line break', { TOKEN_SRE: 'geheim\r\n' }, 'the bearer token has a blank'],
    ['a token of other letters', { TOKEN_SRE: 'geheim…' }, 'the bearer token has a blank'],
  ])('%s ends with 2, and shows no secret', async (_, over, text) => {
    const { code, stdout, stderr } = await slipctl(['slips'], { ...env, ...over });
    expect([code, stdout, stderr.trim().split('\n')]).toEqual([2, '', [expect.stringContaining(text)]]);
    expect(stderr).not.toContain('geheim');
  });

  it.each([
    ['an empty one', ''],
    ['another database', 'mysql://u:geheim@127.0.0.1/ledger'],
    ['a host alone', '127.0.0.1'],
  ])('%s as the URL of the database ends with 2, and asks no other', async (_, url) => {
    for (const args of [
      ['verify', '--no-kafka'],
      ['projection', 'list'],
      ['migrate', 'check', '--save', 'x'],
    ]) {
      const { code, stderr } = await slipctl([...args, '--database-url', url], env);
      expect([args[0], code, stderr.trim().split('\n')]).toEqual([args[0], 2, [expect.any(String)]]);
      expect(stderr).not.toContain('geheim');
    }
  });

  it('a wait that is longer than a timer takes ends with 2, not at once', async () => {
    const { code, stderr } = await slipctl(['slips', '--timeout', '25d'], env);
    expect([code, stderr]).toEqual([2, expect.stringContaining('24d is the longest')]);
    expect((await slipctl(['slips', '--limit', '1', '--timeout', '24d'], env)).code).toBe(0);
  });
});
