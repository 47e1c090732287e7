import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { serve, slipctl } from './spec-support.ts';

const time = '2026-11-22T10:00:00.000000Z';
const incident = {
  ...{ id: 'i-1', status: 'open', provider: null, since: time, until: time, closed_at: null },
  causes: [
    { class: 'network', code: 'a', slips: 1 },
    { class: 'system', code: 'b', slips: 8 },
  ],
  counts: { slips: 9, open: 4, open_cases: 2 },
  held_amount: [{ amount: '1250', currency: 'EUR' }],
};
const slipOfIncident = {
  ...{ slip_id: 's-9', provider: null, amount: { amount: '1250', currency: 'EUR' }, deadline: time },
  ...{ cause: { class: 'system', code: 'b' }, fate: 'waiting', has_open_case: true },
};
const statement = {
  ...{ id: 's-1', source: 'acme-day', provider: 'acme', status: 'matched', lines: 3, problem: null },
  ...{ booked_from: '2026-11-21', booked_to: '2026-11-22', accepted_at: time },
  breaks: { open: 1, resolved: 2 },
};
const found = {
  ...{ id: 'b-1', type: 'amount', status: 'open', provider: 'acme', slip_id: null, difference: '-5' },
  ...{ currency: 'EUR', expected: '12.50', seen: '12.45', opened_at: time },
};
const folder = mkdtempSync(join(tmpdir(), 'lists-spec-'));
const asked: string[] = [];
let service: Awaited<ReturnType<typeof serve>>;
let env: Record<string, string>;

beforeAll(async () => {
  service = await serve(({ pathname, search }, posted) => {
    asked.push(`${pathname}${search}${posted === null ? '' : ` ${JSON.stringify(posted)}`}`);
    if (posted !== null) return { status: 202, body: statement };
    const data = {
      ...{ '/v1/incidents': incident, '/v1/statements': statement, '/v1/breaks': found },
      '/v1/incidents/i-1/slips': slipOfIncident,
    }[pathname];
    return { body: { data: [data], next: null } };
  });
  env = { RECONCILIATION_URL: service.url, TOKEN_SRE: 'good' };
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('slipctl', () => {
  it.each([
    [
      ['incidents', '--provider', 'acme'],
      '/v1/incidents?status=open&provider=acme&page_size=50',
      /^i-1 +ours +open +2026-11-22T10:00:00Z +9 +4 +2 +12.50 EUR +system\/b$/,
    ],
    [
      ['incidents', '--slips', 'i-1'],
      '/v1/incidents/i-1/slips?page_size=50',
      /^s-9 +- +12.50 EUR +2026-11-22T10:00:00Z +waiting +open +system\/b$/,
    ],
    [
      ['breaks', '--status', 'all', '--type', 'amount'],
      '/v1/breaks?type=amount&page_size=50',
      /^b-1 +amount +open +acme +- +-0.05 EUR +2026-11-22T10:00:00Z +12.50 +12.45$/,
    ],
    [
      ['statements', 'list'],
      '/v1/statements?page_size=50',
      /^s-1 +acme-day +acme +matched +3 +2026-11-21 to 2026-11-22 +2026-11-22T10:00:00Z +1 +2 +-$/,
    ],
  ])('%p shows what the API lists', async (args, query, row) => {
    asked.length = 0;
    const { code, stdout } = await slipctl(args, env);
    expect([code, asked]).toEqual([0, [query]]);
    expect(stdout.split('\n')[1]).toMatch(row);
    const { stdout: json } = await slipctl([...args, '--json'], env);
    expect(JSON.parse(json)).toHaveLength(1);
  });

  it('lists the slips of an incident whole: no filter of incidents is passed over', async () => {
    for (const more of [
      ['--status', 'open'],
      ['--provider', 'acme'],
    ]) {
      const { code, stderr } = await slipctl(['incidents', '--slips', 'i-1', ...more], env);
      expect([code, stderr]).toEqual([2, expect.stringContaining('--slips lists all slips')]);
    }
  });

  it('hands in a statement file as it is', async () => {
    const file = join(folder, 'day.csv');
    writeFileSync(file, '["a","b"]');
    asked.length = 0;
    const { code, stdout } = await slipctl(['statements', 'send', file, '--source', 'acme-day'], env);
    expect([code, asked]).toEqual([0, ['/v1/statements?source=acme-day ["a","b"]']]);
    expect(stdout).toContain('s-1');
    const none = await slipctl(['statements', 'send', join(folder, 'none'), '--source', 'x'], env);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('cannot be read')]);
  });
});
