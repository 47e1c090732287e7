import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { serve, slipctl } from './spec-support.ts';

const eur = (amount: string) => ({ amount, currency: 'EUR' });
const proposed = {
  ...{ id: 'd-1', slip_id: 's-1', decision: 'write_off', reason: 'insolvent', proposed_by: 'ann' },
  ...{ proposed_at: '2026-11-22T10:00:00.000000Z', status: 'proposed' },
  ...{ decided_by: null, note: null, decided_at: null, transaction_id: null },
};
const approved = { ...proposed, status: 'approved', decided_by: 'bob', note: 'a letter' };
const money = {
  ...{ slip_id: 's-1', origin: 'claimed', account: 'cust-1', provider: 'acme', amount: eur('1250') },
  since: '2026-11-22T10:00:00.000000Z',
  decision: { id: 'd-1', decision: 'write_off', status: 'proposed', proposed_by: 'ann' },
};
const preview = {
  ...{ slip_id: 's-1', decision: 'write_off', amount: eur('1250') },
  postings: [
    { account: 'house:own:losses', direction: 'debit', amount: eur('1250') },
    { account: 'provider:acme:receivable', direction: 'credit', amount: eur('1250') },
  ],
};
/** What is asked of the ledger. */
let asked: unknown[] = [];
/** What the decision reads when it is asked for, one answer after the other; the last one stays. */
let reads: object[] = [];
let said: { status?: number; body: unknown } = { status: 202, body: approved };
let service: Awaited<ReturnType<typeof serve>>;
let env: Record<string, string>;

beforeAll(async () => {
  service = await serve(({ pathname, search }, posted) => {
    if (posted !== null) {
      asked.push([pathname, posted]);
      if ((posted as { dry_run?: true }).dry_run) return { body: preview };
      return pathname.endsWith('/decisions') ? { status: 202, body: proposed } : said;
    }
    if (pathname === '/v1/suspense-decisions/d-1')
      return { body: reads.length > 1 ? reads.shift() : reads[0] };
    asked.push(`${pathname}${search}`);
    return { body: { data: [pathname === '/v1/suspense' ? money : proposed], next: null } };
  });
  env = { LEDGER_URL: service.url, TOKEN_SRE: 'bad', TOKEN_OPS: 'good', TOKEN_APPROVER: 'good' };
});
beforeEach(() => {
  asked = [];
  reads = [proposed];
  said = { status: 202, body: approved };
});
afterAll(() => service.stop());

describe('slipctl suspense', () => {
  it.each([
    [
      ['list', '--origin', 'claimed', '--provider', 'acme'],
      '/v1/suspense?origin=claimed&provider=acme&page_size=50',
      /^s-1 +claimed +cust-1 +acme +12.50 EUR +2026-11-22T10:00:00Z +write_off proposed by ann \(d-1\)$/,
    ],
    [
      ['decisions', '--slip', 's-1', '--status', 'proposed'],
      '/v1/suspense-decisions?slip=s-1&status=proposed&page_size=50',
      /^d-1 +s-1 +write_off +proposed +ann +2026-11-22T10:00:00Z +insolvent +- +- +-$/,
    ],
  ])('%p shows what the ledger lists', async (args, query, row) => {
    const { code, stdout } = await slipctl(['suspense', ...args], { ...env, TOKEN_SRE: 'good' });
    expect([code, asked]).toEqual([0, [query]]);
    expect(stdout.split('\n')[1]).toMatch(row);
  });

  it('shows the postings of a proposal, and does nothing without --yes', async () => {
    const { code, stdout, stderr } = await slipctl(['suspense', 'propose', 's-1', 'write_off'], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/house:own:losses +debit +12.50 EUR\nprovider:acme:receivable +credit +12.50 EUR/);
    expect(stderr).toContain('nothing was done');
    const body = { decision: 'write_off', reason: 'only shown', dry_run: true };
    expect(asked).toEqual([['/v1/suspense/s-1/decisions', body]]);
  });

  it('proposes with --yes, with the reason', async () => {
    const args = ['suspense', 'propose', 's-1', 'write_off', '--why', 'insolvent', '--yes', '--json'];
    const { code, stdout } = await slipctl(args, env);
    expect([code, JSON.parse(stdout)]).toEqual([0, proposed]);
    expect(asked.at(-1)).toEqual([
      ...['/v1/suspense/s-1/decisions', { decision: 'write_off', reason: 'insolvent' }],
    ]);
  });

  it.each(['approve', 'decline'])('shows what is proposed, and to %s it needs --yes', async (verdict) => {
    const { code, stdout, stderr } = await slipctl(['suspense', verdict, 'd-1'], env);
    expect([code, asked]).toEqual([0, ['/v1/suspense?slip=s-1']]);
    expect(stdout).toMatch(/^d-1 +s-1 +write_off +proposed/m);
    expect(stdout).toMatch(/^s-1 +claimed +cust-1 +acme +12.50 EUR/m);
    expect(stderr).toContain('nothing was done');
    const { stdout: json } = await slipctl(['suspense', verdict, 'd-1', '--json'], env);
    expect(JSON.parse(json)).toEqual({ ...proposed, money });
  });

  const yes = ['d-1', '--why', 'a letter', '--yes'];

  it.each([
    ['booked', 0],
    ['overtaken', 1],
  ])('approves, and waits until it is %s: exit code %p', async (status, expected) => {
    reads = [proposed, approved, { ...approved, status, transaction_id: 't-1' }];
    const { code, stdout } = await slipctl(['suspense', 'approve', ...yes], env);
    expect([code, asked]).toEqual([
      ...[expected, [['/v1/suspense-decisions/d-1/approve', { note: 'a letter' }]]],
    ]);
    expect(stdout).toMatch(new RegExp(`${status} +ann .* bob +a letter +t-1`));
  });

  it('says that an approval is booked later when the time is over', async () => {
    reads = [proposed, approved];
    const { code, stderr } = await slipctl(['suspense', 'approve', ...yes, '--timeout', '1s'], env);
    expect([code, stderr]).toEqual([4, expect.stringContaining('not booked yet')]);
  });

  it('declines, and has nothing to wait for', async () => {
    said = { body: { ...approved, status: 'declined' } };
    const { code, stdout } = await slipctl(['suspense', 'decline', ...yes], env);
    expect([code, asked]).toEqual([0, [['/v1/suspense-decisions/d-1/decline', { note: 'a letter' }]]]);
    expect(stdout).toContain('declined');
  });

  it('tells who proposed it why another person must approve it, and who may not, that', async () => {
    const detail = 'Whoever proposed a decision must not decide about it.';
    said = { status: 403, body: { code: 'same_person', detail } };
    const same = await slipctl(['suspense', 'approve', ...yes], env);
    expect([same.code, same.stderr]).toEqual([2, expect.stringContaining(detail)]);
    said = { status: 403, body: { code: 'forbidden', detail: 'secret' } };
    const other = await slipctl(['suspense', 'approve', ...yes], env);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('with the given bearer token')]);
  });

  it.each([
    [['propose', 's-1', 'write_off', '--yes'], {}, 'say why'],
    [['approve', 'd-1', '--yes'], {}, 'say why'],
    [['propose', 's-1', 'give'], {}, 'Allowed choices'],
    [['list', '--origin', 'gone'], {}, 'Allowed choices'],
    [['propose', 's-1', 'uphold'], { TOKEN_OPS: '' }, 'set TOKEN_OPS'],
    [['decline', 'd-1'], { TOKEN_APPROVER: '' }, 'set TOKEN_APPROVER'],
  ])('%p is wrong usage', async (args, variables, wrong) => {
    const { code, stderr } = await slipctl(['suspense', ...args], { ...env, ...variables });
    expect([code, stderr]).toEqual([2, expect.stringContaining(wrong)]);
    expect(asked).toEqual([]);
  });
});
