import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Api } from '../api.ts';
import { Terminal } from '../output/terminal.ts';
import { serve } from '../spec-support.ts';
import { collectVerdicts } from './collect.ts';
import type { LedgerSlip } from './verdicts.ts';
import { waitForVerdicts } from './wait.ts';

const until = '2018-02-01T00:00:00.000000Z';
const deadline = '2018-01-05T00:00:00.000000Z';
const inTime = '2018-01-04T00:00:00.000000Z';
const tooLate = '2018-01-06T00:00:00.000000Z';

const slip = (reference: string, over: Partial<LedgerSlip> = {}): LedgerSlip => ({
  ...{ id: `id-${reference}`, reference, status: 'settled', overdue: false, returned_at: inTime, deadline },
  cause: null,
  ...over,
});
const missed = { status: 'not_returned', overdue: true, returned_at: null, cause: { code: 'no_answer' } };

let stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  stops = [];
});

async function apiOf(name: string, answer: Parameters<typeof serve>[0]): Promise<Api> {
  const { url, stop } = await serve(answer);
  stops.push(stop);
  return new Api({ name, url, token: 'good', timeoutMs: 5_000 });
}

/** A ledger that shows two slips a page, and at each reading what `shown` gives then. */
function ledger(shown: (reading: number) => readonly LedgerSlip[]): Promise<Api> {
  let reading = 0;
  return apiOf('ledger', ({ searchParams }) => {
    const from = Number(searchParams.get('cursor') ?? '0');
    if (from === 0) reading++;
    const slips = shown(reading);
    const next = from + 2 < slips.length ? String(from + 2) : null;
    return { body: { data: slips.slice(from, from + 2), next } };
  });
}

function reconciliation(concludedAfter: number): Promise<Api> {
  let asked = 0;
  return apiOf('reconciliation', () => {
    const concluded = ++asked > concludedAfter;
    // A service that is just being restarted.
    if (asked === 2) return { status: 503, body: {} };
    const counts = { slips: 3, open: 0, overdue: 1, not_returned: 1 };
    return { body: { clocks: [{ clock: 'c', judged_through: null, closed: concluded, concluded, counts }] } };
  });
}

const terminal = new Terminal({ write() {} }, () => 0);
const options = { clock: 'c', slips: 3, terminal, nowMs: () => performance.now(), pollMs: 5 };

describe('waiting for verdicts', () => {
  it('goes on until the clock is concluded and the ledger shows all of it, with its causes', async () => {
    const all = [slip('a'), slip('b'), slip('c', missed)];
    const stages = [[], all.slice(0, 2), [...all.slice(0, 2), slip('c', { ...missed, cause: null })], all];
    let seen = 0;
    const view = await waitForVerdicts({
      ...options,
      timeoutMs: 20_000,
      reconciliation: await reconciliation(3),
      ledger: await ledger((reading) => {
        seen = reading;
        return stages[Math.min(reading - 1, 3)]!;
      }),
    });
    expect(view).toMatchObject({ concluded: true, counts: { not_returned: 1 } });
    expect(seen).toBe(4);
  });

  it('ends with a timeout that says what is missing', async () => {
    const waiting = waitForVerdicts({
      ...options,
      timeoutMs: 60,
      reconciliation: await reconciliation(0),
      ledger: await ledger(() => [slip('a')]),
    });
    await expect(waiting).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringContaining('1 of 3 slips, 0 of 1 overdue, 0 of 1 not returned'),
    });
  });

  it('counts silence from the last page that was answered', async () => {
    let now = 0;
    let asked = 0;
    const slow = await apiOf('ledger', () => {
      if (++asked === 3) return { status: 503, body: {} };
      now += 20_000;
      const next = asked === 6 ? null : String(asked);
      return { body: { data: [slip('x', asked === 6 ? missed : {})], next } };
    });
    const waiting = waitForVerdicts({
      ...options,
      nowMs: () => now,
      timeoutMs: 600_000,
      reconciliation: await reconciliation(0),
      ledger: slow,
    });
    await expect(waiting).resolves.toMatchObject({ concluded: true });
    expect(asked).toBe(6);
  });

  it('does not wait for a service that refuses the question', async () => {
    const refusing = await apiOf('reconciliation', () => ({ status: 403, body: {} }));
    const waiting = waitForVerdicts({
      ...options,
      timeoutMs: 20_000,
      reconciliation: refusing,
      ledger: refusing,
    });
    await expect(waiting).rejects.toMatchObject({ exitCode: 2 });
  });
});

describe('collecting verdicts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'collect-spec-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(() => {
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
  });

  async function* referencesOf(...references: string[]) {
    for (const reference of references) yield { reference, isDetermined: reference !== 'x' };
  }

  it('joins what was submitted with what the ledger shows, and writes it whole', async () => {
    const of = {
      ledger: await ledger(() => [
        slip('d', { status: 'rejected', deadline: null, returned_at: null }),
        slip('c', missed),
        slip('of another file'),
        slip('b', { overdue: true, returned_at: tooLate, cause: { code: 'provider_silent' } }),
        slip('f', { returned_at: tooLate }),
        slip('a'),
      ]),
      ...{ clock: 'c', until },
    };
    const out = join(folder, 'out.csv');
    const collected = await collectVerdicts(of, referencesOf('a', 'b', 'c', 'd', 'e', 'f', 'x'), out);
    expect(collected).toMatchObject({
      verdicts: { returned_on_time: 2, returned_late: 1, not_returned: 1, open: 0 },
      refused: { count: 1, first: [{ reference: 'd' }] },
      missing: { count: 1, first: [{ reference: 'e' }] },
      contradictions: { count: 1, first: [{ reference: 'f' }] },
    });
    expect(readFileSync(out, 'utf8').split('\n')).toEqual([
      'reference,verdict,deadline,returned_at,cause',
      'a,returned_on_time,2018-01-05T00:00:00Z,2018-01-04T00:00:00Z,',
      'b,returned_late,2018-01-05T00:00:00Z,2018-01-06T00:00:00Z,provider_silent',
      'c,not_returned,2018-01-05T00:00:00Z,,no_answer',
      'f,returned_on_time,2018-01-05T00:00:00Z,2018-01-06T00:00:00Z,',
      'x,undetermined,,,rows_contradict',
      '',
    ]);
    expect(readdirSync(folder)).toEqual(['out.csv']);
  });

  it('writes into what is no plain file, such as /dev/stdout, and does not replace it', async () => {
    const [link, target] = [join(folder, 'link'), join(folder, 'target')];
    symlinkSync(target, link);
    await collectVerdicts(
      { ledger: await ledger(() => [slip('a')]), clock: 'c', until },
      referencesOf('a'),
      link,
    );
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toContain('a,returned_on_time,');
    expect(readdirSync(folder).sort()).toEqual(['link', 'target']);
  });

  it('says where it cannot write', async () => {
    const of = { ledger: await ledger(() => []), clock: 'c', until };
    const collecting = collectVerdicts(of, referencesOf(), join(folder, 'none', 'out.csv'));
    await expect(collecting).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('cannot be written'),
    });
  });
});
