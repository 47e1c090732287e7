import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Api } from '../api.ts';
import { serve } from '../spec-support.ts';
import { preflight } from './preflight.ts';

const until = '2018-02-01T00:00:00.000000Z';
const later = '2018-03-01T00:00:00.000000Z';
const planned = { clock: 'c', until, caller: '/importer', replaces: null as string | null };

/** Both services in one: a clock `c`, and the slips on it with who submitted them. */
let clocks: { clock: string; judged_through: string | null; closed: boolean }[];
let slips: { id: string; status: string; caller: string }[];
let service: Awaited<ReturnType<typeof serve>>;

beforeEach(async () => {
  clocks = [];
  slips = [];
  service = await serve(({ pathname, searchParams }) => {
    if (pathname === '/v1/watermarks') return { body: { clocks } };
    const id = /^\/v1\/slips\/(.+)\/events$/.exec(pathname)?.[1];
    if (!id) return { body: { data: searchParams.get('clock') === 'c' ? slips : [], next: null } };
    const { caller } = slips.find((slip) => slip.id === id)!;
    return { body: { data: [{ type: 'slipstream.slip.submitted.v1', data: { caller } }], next: null } };
  });
});
afterEach(() => service.stop());

function look(over: Partial<typeof planned> = {}): Promise<void> {
  const api = (name: string) => new Api({ name, url: service.url, token: 'good', timeoutMs: 5_000 });
  return preflight({ ledger: api('ledger'), reconciliation: api('reconciliation') }, { ...planned, ...over });
}

describe('before an import', () => {
  it('a clock of which nobody has heard is free', async () => {
    await expect(look()).resolves.toBeUndefined();
  });

  it('the clock of the same import, repeated, is no obstacle: closed, or still running', async () => {
    slips = [{ id: 's-1', status: 'settled', caller: '/importer' }];
    clocks = [{ clock: 'c', judged_through: until, closed: true }];
    await expect(look()).resolves.toBeUndefined();
    clocks = [{ clock: 'c', judged_through: '2018-01-01T00:00:00.000000Z', closed: false }];
    await expect(look()).resolves.toBeUndefined();
  });

  it('a clock that was closed at another time is refused, with that time and the way out', async () => {
    clocks = [{ clock: 'c', judged_through: until, closed: true }];
    await expect(look({ until: later })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(
        /clock c was closed at 2018-02-01T00:00:00Z, not at 2018-03-01T00:00:00Z: .*--clock NAME/,
      ),
    });
  });

  it('a clock to be replaced must be there', async () => {
    await expect(look({ replaces: 'first' })).rejects.toMatchObject({ exitCode: 2 });
    clocks = [{ clock: 'first', judged_through: until, closed: true }];
    await expect(look({ replaces: 'first' })).resolves.toBeUndefined();
  });

  it('a clock with the slips of another caller is refused, whoever else was refused on it', async () => {
    clocks = [{ clock: 'c', judged_through: until, closed: true }];
    slips = [
      { id: 's-1', status: 'rejected', caller: '/importer' },
      { id: 's-2', status: 'settled', caller: '/other' },
    ];
    await expect(look()).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/clock c has slips of \/other, not of \/importer: .*--clock NAME/),
    });
  });
});
