import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Api } from '../api.ts';
import { serve, slipctl } from '../spec-support.ts';
import { PartFile } from './part-file.ts';
import { type ExportOptions, runExport } from './run-export.ts';

const postings = [
  { account: 'payer:cust-1:available', direction: 'debit', amount: { amount: '1250', currency: 'EUR' } },
  { account: 'payer:cust-1:held', direction: 'credit', amount: { amount: '1250', currency: 'EUR' } },
];
const time = '2026-11-22T10:00:00.000000Z';
const transaction = (n: number) => ({
  ...{ id: `t-${n}`, slip_id: `s-${n}`, type: 'hold', clock: '=cmd()', event_id: null, recorded_at: time },
  postings,
});
const pages = 4;
/** The page that cannot be read, until it can. */
let failsAt = pages;
let onPage: (page: number) => void = () => {};
const asked: string[] = [];

let service: Awaited<ReturnType<typeof serve>>;
let env: Record<string, string>;
const folder = mkdtempSync(join(tmpdir(), 'export-spec-'));

/** Of each list two rows a page; the second page has none, and leads on. */
function rowsOf(pathname: string, page: number, isCsv: boolean): string {
  const numbers = page === 1 ? [] : [2 * page, 2 * page + 1];
  if (pathname === '/v1/transactions')
    return numbers.map((n) => `${JSON.stringify(transaction(n))}\n`).join('');
  if (!isCsv) return numbers.map((n) => `${JSON.stringify({ id: `é-${n}` })}\n`).join('');
  return ['id,reference\r\n', ...numbers.map((n) => `${n},"a\r\nb"\r\n`)].join('');
}

beforeAll(async () => {
  service = await serve(({ pathname, searchParams, search }) => {
    asked.push(`${pathname}${search}`);
    const page = Number(searchParams.get('cursor') ?? 0);
    onPage(page);
    if (page === failsAt) return { status: 503, body: { detail: 'not now' } };
    const isCsv = isOfCsv && pathname !== '/v1/transactions';
    const link = page + 1 < pages && { link: `<${pathname}?cursor=${page + 1}>; rel="next"` };
    const headers = { 'content-type': isCsv ? 'text/csv; charset=utf-8' : 'application/x-ndjson', ...link };
    return { headers, body: rowsOf(pathname, page, isCsv) };
  });
  env = { LEDGER_URL: service.url, TOKEN_SRE: 'good' };
});
/** What the next requests are to be answered in. */
let isOfCsv = false;
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  failsAt = pages;
  onPage = () => {};
  asked.length = 0;
});

const fileOf = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(fileOf(name), 'utf8');
const left = (name: string) => readdirSync(folder).filter((file) => file.startsWith(name));

describe('slipctl export', () => {
  it('writes every page once, under one header, and nothing stays beside the file', async () => {
    isOfCsv = true;
    const args = ['export', 'slips', '--provider', 'acme', '-o', fileOf('slips.csv'), '--json'];
    const { code, stdout } = await slipctl(args, env);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { what: 'slips', done: true, rows: 6 }]);
    expect(read('slips.csv')).toBe(
      `id,reference\r\n${[0, 1, 4, 5, 6, 7].map((n) => `${n},"a\r\nb"\r\n`).join('')}`,
    );
    expect(asked[0]).toBe('/v1/slips?provider=acme&page_size=1000');
    expect(asked).toHaveLength(pages);
    expect(left('slips.csv')).toEqual(['slips.csv']);
  });

  it('of events has the filters of the log', async () => {
    isOfCsv = false;
    const types = ['slipstream.slip.returned.v1', 'slipstream.slip.overdue.v1'];
    const filters = ['--type', ...types, '--received-from', time, '--trace', 't'];
    const { code } = await slipctl(['export', 'events', ...filters, '-o', fileOf('events.ndjson')], env);
    expect([code, asked[0]]).toEqual([
      0,
      `/v1/events?type=${types.join('&type=')}&received_from=${encodeURIComponent(time)}&trace=t&page_size=1000`,
    ]);
    expect(read('events.ndjson').split('\n')).toHaveLength(7);
  });

  it.each([
    ['csv', 'transaction_id,slip_id,type,clock,event_id,recorded_at,account,direction,amount,currency'],
    ['ndjson', null],
  ])('of postings writes a row for each, as %s', async (format, header) => {
    isOfCsv = false;
    const name = `postings.${format}`;
    const { code, stdout } = await slipctl(['export', 'postings', '-o', fileOf(name)], env);
    expect([code, stdout]).toEqual([0, expect.stringContaining('12 postings in')]);
    const lines = read(name).trimEnd().split(/\r?\n/);
    if (header === null) {
      expect(lines).toHaveLength(12);
      expect(JSON.parse(lines[1]!)).toEqual({
        ...{ transaction_id: 't-0', slip_id: 's-0', type: 'hold', clock: '=cmd()', event_id: null },
        ...{ recorded_at: time, account: 'payer:cust-1:held', direction: 'credit' },
        ...{ amount: '1250', currency: 'EUR' },
      });
      return;
    }
    expect(lines).toHaveLength(13);
    expect(lines.slice(0, 2)).toEqual([
      header,
      `t-0,s-0,hold,'=cmd(),,${time},payer:cust-1:available,debit,1250,EUR`,
    ]);
  });

  it('refuses to write into what another export writes', async () => {
    const path = fileOf('twice.ndjson');
    const { file } = await PartFile.open(path, {}, false);
    await expect(PartFile.open(path, {}, false)).rejects.toMatchObject({ exit: 'usage' });
    await file.discard();
    await file.close();
    const again = await PartFile.open(path, {}, false);
    await again.file.finish();
    await again.file.close();
    expect(left('twice')).toEqual(['twice.ndjson']);
  });

  it('goes on where a service went away, and the file is as if it never had', async () => {
    isOfCsv = false;
    const args = (...more: string[]) => ['export', 'events', '-o', fileOf('broken.ndjson'), ...more];
    failsAt = 2;
    const broken = await slipctl(args(), env);
    expect([broken.code, broken.stderr]).toEqual([3, expect.stringContaining('--resume goes on')]);
    expect(left('broken')).toEqual(['broken.ndjson.export', 'broken.ndjson.part']);
    // What was written and not noted, before somebody pulled the plug.
    writeFileSync(fileOf('broken.ndjson.part'), `${read('broken.ndjson.part')}{"id":"é-9`);
    failsAt = pages;
    for (const refused of [args(), args('--resume', '--type', 'x')])
      expect((await slipctl(refused, env)).code).toBe(2);
    asked.length = 0;
    const { code, stdout } = await slipctl(args('--resume', '--json'), env);
    expect([code, JSON.parse(stdout).rows]).toEqual([0, 6]);
    expect(asked[0]).toContain('cursor=2');
    expect(read('broken.ndjson').match(/\d+/g)).toEqual(['0', '1', '4', '5', '6', '7']);
    expect(left('broken')).toEqual(['broken.ndjson']);
    expect((await slipctl(args(), env)).code).toBe(2);
  });

  it('that never began leaves nothing, and one that is not there cannot go on', async () => {
    failsAt = 0;
    const { code } = await slipctl(['export', 'slips', '-o', fileOf('never.csv')], env);
    expect([code, left('never')]).toEqual([3, []]);
    const none = await slipctl(['export', 'slips', '-o', fileOf('none.csv'), '--resume'], env);
    expect([none.code, left('none')]).toEqual([2, []]);
    const nowhere = await slipctl(['export', 'slips', '-o', join(folder, 'no', 'x.csv')], env);
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining('cannot be written')]);
  });
});

it('an export that is interrupted ends after its page, and goes on from there', async () => {
  isOfCsv = false;
  const path = fileOf('interrupted.ndjson');
  const meant = { what: 'events' };
  const api = new Api({ name: 'ledger', url: service.url, token: 'good', timeoutMs: 60_000 });
  const progress = { update() {}, stop() {} };
  const run = async (isResumed: boolean, signal: AbortSignal) => {
    const opened = await PartFile.open(path, meant, isResumed);
    const options: ExportOptions = {
      ...{ api, what: 'events', format: 'ndjson', query: {}, nowMs: () => 0, progress, signal },
      ...opened,
    };
    try {
      return await runExport(options);
    } finally {
      await opened.file.close();
    }
  };
  const ending = new AbortController();
  onPage = (page) => {
    if (page === 2) ending.abort();
  };
  expect(await run(false, ending.signal)).toMatchObject({ done: false, rows: 4, written: 4 });
  expect(existsSync(path)).toBe(false);
  expect(await run(true, new AbortController().signal)).toMatchObject({ done: true, rows: 6, written: 2 });
  expect(read('interrupted.ndjson').match(/\d+/g)).toEqual(['0', '1', '4', '5', '6', '7']);
});
