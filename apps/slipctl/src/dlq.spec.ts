import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import { Api } from './api.ts';
import { readLetters } from './dlq/read-letters.ts';
import { waitingSlips } from './dlq/waiting-slips.ts';
import { serve, slipctl } from './spec-support.ts';

type Server = Awaited<ReturnType<typeof serve>>;

const letter = {
  ...{ id: '17', topic: 'slips.events.v1', partition: 3, offset: 44, slip: 'slip-1', key: 'slip-1' },
  ...{ reason: 'failed', detail: 'relation "x" does not exist', attempts: 3, status: 'parked' },
  failed_at: '2026-11-22T10:00:00.000000Z',
};
const preview = {
  ...{ letters: 174, slips: 87, exhausted: 1, by_slip: [] },
  by_reason: [
    { reason: 'failed', letters: 87 },
    { reason: 'parked_behind', letters: 87 },
  ],
};
let posts: unknown[] = [];
let polls = 0;
/** Letters that another redrive took after they were counted. */
let takenMeanwhile = 0;
let failedAgain = 0;
let ledger: Server;
let reconciliation: Server;
let env: Record<string, string>;

beforeAll(async () => {
  ledger = await serve(({ pathname, searchParams }, posted) => {
    if (pathname === '/v1/dead-letters') {
      return { body: { data: searchParams.get('slip') === 'none' ? [] : [letter], next: null } };
    }
    if (pathname === '/v1/dead-letters/17') return { body: { ...letter, value: 'AA==' } };
    if (pathname === '/v1/dead-letters/17/dismiss') {
      posts.push(posted);
      return { body: { id: 'd-1', released: 2 } };
    }
    if (pathname === '/v1/dead-letters/redrive') {
      posts.push(posted);
      const { dry_run: dryRun } = posted as { dry_run: boolean };
      const letters = preview.letters - (dryRun ? 0 : takenMeanwhile);
      return {
        status: dryRun ? 200 : 202,
        body: { ...preview, dry_run: dryRun, id: dryRun ? null : 'r-1', letters },
      };
    }
    if (pathname === '/v1/redrives/r-1') {
      polls += 1;
      const waiting = polls < 3 ? 87 : 0;
      return { body: { ...preview, id: 'r-1', waiting, redriven: 174 - failedAgain, failed: failedAgain } };
    }
    return { status: 404, body: { detail: 'not here' } };
  });
  reconciliation = await serve(({ pathname }) => {
    if (pathname === '/v1/dead-letters') return { body: { data: [], next: null } };
    return { body: { ...preview, id: null, letters: 0, slips: 0, exhausted: 0, by_reason: [] } };
  });
  env = { LEDGER_URL: ledger.url, RECONCILIATION_URL: reconciliation.url, TOKEN_SRE: '', TOKEN_OPS: 'good' };
});
afterAll(async () => {
  await ledger.stop();
  await reconciliation.stop();
});

test('slips that wait are told with what waits behind them, by slip', () => {
  const one = (id: string, slip: string) => ({ ...letter, id, slip });
  const slips = waitingSlips('ledger', [one('1', 's-1'), one('2', 's-2'), one('3', 's-1'), one('4', 's-1')]);
  expect(slips.map(({ slip, first, behind }) => [slip, first.id, behind])).toEqual([
    ['s-1', '1', 2],
    ['s-2', '2', 0],
  ]);
});

test('letters are read over pages, up to as many as are wanted, and to a time', async () => {
  const all = Array.from({ length: 2_500 }, (_, n) => ({
    ...{ ...letter, id: String(n), failed_at: `2026-11-22T10:00:00.${String(n).padStart(6, '0')}Z` },
  }));
  const many = await serve(({ searchParams }) => {
    const from = Number(searchParams.get('cursor') ?? 0);
    const to = from + Number(searchParams.get('page_size'));
    return { body: { data: all.slice(from, to), next: to < all.length ? String(to) : null } };
  });
  const api = new Api({ name: 'ledger', url: many.url, token: 'good', timeoutMs: 60_000 });
  const read = async (limit: number, before?: string) => {
    const { letters, hasMore } = await readLetters(api, {}, { limit, before });
    return [letters.length, letters.at(-1)?.id, hasMore];
  };
  try {
    expect(await read(1)).toEqual([1, '0', true]);
    expect(await read(1_500)).toEqual([1_500, '1499', true]);
    expect(await read(3_000)).toEqual([2_500, '2499', false]);
    expect(await read(3_000, all[1_200]!.failed_at)).toEqual([1_200, '1199', false]);
    expect(await read(500, all[1_200]!.failed_at)).toEqual([500, '499', true]);
    expect(await read(500, all[0]!.failed_at)).toEqual([0, undefined, false]);
  } finally {
    await many.stop();
  }
});

describe('slipctl dlq', () => {
  it('redrives what was set aside before a time, and nothing else', async () => {
    posts = [];
    const later = ['dlq', 'redrive', '--service', 'ledger', '--before', '2026-11-22T10:00:00.000001Z'];
    expect((await slipctl(later, env)).code).toBe(0);
    expect(posts).toEqual([{ ids: ['17'], limit: 1_000, dry_run: true }]);
    const { stdout } = await slipctl([...later.slice(0, -1), letter.failed_at], env);
    expect([posts.length, stdout]).toEqual([1, expect.stringMatching(/ledger +0 +0/)]);
    expect((await slipctl([...later, '--id', '17'], env)).code).toBe(2);
  });

  it.each([[['dlq']], [['dlq', 'list']], [['dlq', 'redrive']], [['dlq', 'dismiss']]])(
    '%p --help says what it does',
    async (command) => {
      const { code, stdout } = await slipctl([...command, '--help']);
      expect([code, stdout.includes('Exit codes: 0')]).toEqual([0, true]);
    },
  );

  it('lists what waits in every service that is known, an empty TOKEN_SRE being none', async () => {
    const { code, stdout } = await slipctl(['dlq', 'list'], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /ledger +17 +slip-1 +failed +parked +slips.events.v1:3:44 +3 +2026-11-22.*relation/,
    );
    expect(JSON.parse((await slipctl(['dlq', 'list', '--json'], env)).stdout)).toMatchObject([
      { service: 'ledger', id: '17' },
    ]);
    expect((await slipctl(['dlq', 'list', '--service', 'reconciliation'], env)).stdout).toBe(
      'no dead letters\n',
    );
  });

  it('shows the others when one service is away, and exits with 3', async () => {
    const away = { ...env, INTAKE_URL: 'http://127.0.0.1:9' };
    const { code, stdout, stderr } = await slipctl(['dlq', 'list'], away);
    expect([code, stdout.includes('slip-1')]).toEqual([3, true]);
    expect(stderr).toMatch(/^slipctl: intake at http:\/\/127.0.0.1:9 cannot be reached.*\n$/);
    const json = await slipctl(['dlq', 'list', '--json'], away);
    expect(JSON.parse(json.stderr)).toEqual({ error: expect.stringContaining('intake at'), exit_code: 3 });
  });

  it.each([['list'], ['slips'], ['redrive']])(
    'does not say of %s that there is nothing when none answers',
    async (name) => {
      const gone = 'http://127.0.0.1:9';
      const away = { TOKEN_SRE: 'good', INTAKE_URL: gone, LEDGER_URL: gone };
      const { code, stdout, stderr } = await slipctl(['dlq', name], away);
      expect([code, stdout]).toEqual([3, '']);
      expect(stderr).toMatch(
        /^slipctl: intake at .* cannot be reached.*; ledger at .* cannot be reached.*\n$/,
      );
    },
  );

  it.each([
    [['dlq', 'list'], {}, 'no service is named'],
    [['dlq', 'list', '--service', 'intake'], { LEDGER_URL: 'http://x' }, 'TOKEN'],
    [['dlq', 'show', '17'], { LEDGER_URL: 'http://x' }, '--service'],
    [['dlq', 'redrive', '--yes'], { LEDGER_URL: 'http://x' }, '--why'],
    [['dlq', 'redrive', '--id', '17'], { LEDGER_URL: 'http://x' }, '--service'],
  ])('%p is wrong usage', async (args, variables, said) => {
    const { code, stderr } = await slipctl(args, variables as Record<string, string>);
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
  });

  it('shows one record', async () => {
    const { code, stdout } = await slipctl(['dlq', 'show', '17', '--service', 'ledger'], env);
    expect([code, JSON.parse(stdout)]).toEqual([0, { ...letter, value: 'AA==' }]);
  });

  it('counts before it redrives, and does nothing without --yes', async () => {
    posts = [];
    const { code, stdout, stderr } = await slipctl(['dlq', 'redrive', '--reason', 'failed'], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ledger +87 +174 +87 failed, 87 parked_behind +1\n/);
    expect(stderr).toContain('nothing was done');
    expect(posts).toEqual([{ filter: { reason: 'failed' }, limit: 1_000, dry_run: true }]);
  });

  it('says what somebody else ordered between the preview and the order', async () => {
    polls = 0;
    failedAgain = 0;
    takenMeanwhile = 170;
    const { code, stderr } = await slipctl(['dlq', 'redrive', '--yes', '--why', 'mended'], env);
    takenMeanwhile = 0;
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('ledger: of 174 letters 170 are no longer there to order\n'),
    ]);
  });

  it.each([
    [0, 0],
    [1, 1],
  ])('follows a redrive to its end: %p failed again, exit code %p', async (failed, expected) => {
    posts = [];
    polls = 0;
    failedAgain = failed;
    const args = ['dlq', 'redrive', '--slip', 'slip-1', '--yes', '--why', 'mended', '--per-second', '10'];
    const { code, stdout } = await slipctl(args, env);
    expect(code).toBe(expected);
    expect(stdout).toMatch(new RegExp(`ledger +${174 - failed} +${failed} +0 +r-1`));
    expect(posts).toEqual([
      { filter: { slip: 'slip-1' }, limit: 1_000, dry_run: true },
      { filter: { slip: 'slip-1' }, limit: 1_000, dry_run: false, per_second: 10, reason: 'mended' },
    ]);
  });

  it('says that a redrive goes on when the time is over', async () => {
    polls = -1_000_000;
    const args = ['dlq', 'redrive', '--yes', '--why', 'mended', '--timeout', '1s'];
    const { code, stderr } = await slipctl(args, env);
    expect([code, stderr]).toEqual([4, expect.stringContaining('ledger r-1')]);
  });

  it('dismisses one record', async () => {
    posts = [];
    const args = ['dlq', 'dismiss', '17', '--service', 'ledger', '--why', 'a test record'];
    const { code, stdout } = await slipctl(args, env);
    expect([code, stdout]).toEqual([0, 'dismissed; 2 records behind it go on\n']);
    expect(posts).toEqual([{ reason: 'a test record' }]);
  });
});
