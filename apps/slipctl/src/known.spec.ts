import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { serve, slipctl } from './spec-support.ts';

/** What is there; of the provider `gone` slips alone. */
const things = [
  ...[
    '/v1/slips/s-1',
    '/v1/accounts/cust-1',
    '/v1/providers/acme',
    '/v1/incidents/i-1',
    '/v1/statements/st-1',
  ],
];
const folder = mkdtempSync(join(tmpdir(), 'known-spec-'));
const out = (name: string) => ['-o', join(folder, name)];
let service: Awaited<ReturnType<typeof serve>>;
let env: Record<string, string>;

beforeAll(async () => {
  service = await serve(({ pathname, searchParams }, posted) => {
    if (pathname === '/v1/providers/forbidden') return { status: 403, body: {} };
    if (pathname === '/v1/stream') return { status: 403, body: {} };
    if (things.includes(pathname)) return { body: { id: 'it' } };
    const preview = { letters: 0, slips: 0, exhausted: 0, by_slip: [], by_reason: [], id: null };
    if (posted !== null) return { body: preview };
    if (/^\/v1\/[a-z-]+\/./.test(pathname)) return { status: 404, body: { detail: 'It is not here.' } };
    const isHad =
      searchParams.get('page_size') === '1' &&
      ['gone', 'june', 'ord-1', 'silent-cust', 'fast', 'EUR'].some((name) =>
        [...searchParams.values()].includes(name),
      );
    return searchParams.get('page_size') === '1000' && !searchParams.has('trace')
      ? { headers: { 'content-type': 'application/x-ndjson' }, body: '' }
      : { body: { data: isHad ? [{}] : [], next: null } };
  });
  env = {
    ...{ INTAKE_URL: service.url, GATEWAY_URL: service.url, LEDGER_URL: service.url },
    ...{ RECONCILIATION_URL: service.url, TOKEN_SRE: 'good', TOKEN_OPS: 'good', TOKEN_APPROVER: 'good' },
  };
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('what nobody has', () => {
  it.each<[string[], string]>([
    [['slips', '--provider', 'nope'], 'there is no provider nope'],
    [['slips', '--account', 'nope', '--json'], 'there is no account nope'],
    [['slips', '--clock', 'nope'], 'there is no slip on the clock nope'],
    [['slips', '--reference', 'nope'], 'there is no slip with the reference nope on the wall clock'],
    [['slips', '--provider', 'acme', '--provider', 'nope', '--csv'], 'there is no provider nope'],
    [['slips', '--route', 'fastt'], 'there is no slip of the route fastt on the wall clock'],
    [['slips', '--currency', 'CHF', '--json'], 'there is no slip in CHF on the wall clock'],
    [['slips', '--counterparty', 'nope'], 'there is no slip that pays nope on the wall clock'],
    [['slips', '--provider-reference', 'nope'], "there is no slip with the provider's reference nope"],
    [['slips', '--route', 'fast', '--route', 'fastt'], 'there is no slip of the route fastt'],
    [['slips', '--not', 'route=fastt'], 'there is no slip of the route fastt'],
    [['slips', '--not', 'provider_reference=nope'], "there is no slip with the provider's reference nope"],
    [['export', 'slips', '--not', 'provider=nope', ...out('s.csv')], 'there is no provider nope'],
    [['events', '--route', 'fastt'], 'there is no slip of the route fastt'],
    [['suspense', 'list', '--currency', 'CHF'], 'there is no slip in CHF'],
    [['cases', '--incident', 'nope'], 'there is no incident nope'],
    [['cases', '--provider', 'nope'], 'there is no provider nope'],
    [['incidents', '--provider', 'nope'], 'there is no provider nope'],
    [['breaks', '--statement', 'nope'], 'there is no statement nope'],
    [['breaks', '--slip', 'nope'], 'there is no slip nope'],
    [['suspense', 'list', '--slip', 'nope'], 'there is no slip nope'],
    [['suspense', 'decisions', '--slip', 'nope'], 'there is no slip nope'],
    [['events', '--slip', '..'], 'ledger has nothing of that name: it is empty, . or ..'],
    [['incidents', '--slips', '.'], 'reconciliation has nothing of that name'],
    [['dlq', 'dismiss', '..', '--service', 'ledger', '--why', 'x'], 'ledger has nothing of that name'],
    [['suspense', 'approve', ''], 'ledger has nothing of that name'],
    [['events', '--slip', 'nope'], 'there is no slip nope'],
    [['events', '--trace', '0af7'], 'there is no slip that began with a request of trace 0af7'],
    [['prove', 'nope', ...out('proof.json')], 'there is no slip with the id or reference nope'],
    [['tail', '--trace', '0af7'], 'no slip began with a request of trace 0af7'],
    [['tail', '--provider', 'nope'], 'there is no provider nope'],
    [['dlq', 'list', '--slip', 'nope'], 'there is no slip with the id or reference nope'],
    [['dlq', 'redrive', '--slip', 'nope'], 'there is no slip with the id or reference nope'],
    [['dlq', 'redrive', '--id', '99', '--service', 'ledger'], 'ledger answers 404: It is not here.'],
    [['export', 'events', '--slip', 'nope', ...out('e.ndjson')], 'there is no slip nope'],
    [['export', 'postings', '--account', 'nope', ...out('p.ndjson')], 'there is no account nope'],
  ])('is told: %p', async (args, said) => {
    const { code, stderr } = await slipctl(args, env);
    expect([code, stderr]).toEqual([1, expect.stringContaining(said)]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it.each<[string[], string]>([
    [['dlq', 'list', '--topic', 'nope'], 'there is no topic nope'],
    [['dlq', 'list', '--topic', 'slips.event.v1'], 'did you mean slips.events.v1?'],
    [['dlq', 'list', '--partition', '12'], 'there is no partition 12: the last is 11'],
    [['events', '--type', 'SlipRetruned'], 'did you mean slipstream.slip.returned.v1?'],
    [['cases', '--status', 'opne'], 'Did you mean open?'],
    [['dlq', 'list', '--status', 'prked'], 'Did you mean parked?'],
    [['projection', 'rebuild', 'slpis'], 'Did you mean slips?'],
    [['dlq', 'list', '--service', 'legder'], 'Did you mean ledger?'],
    [['dlq', 'redrive', '--topic', 'nope'], 'there is no topic nope'],
    [['export', 'events', '--type', 'nope', ...out('t.ndjson')], 'there is no type nope'],
  ])('and is a mistake where all there are are known here: %p', async (args, said) => {
    const { code, stderr } = await slipctl(args, env);
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
  });
});

describe('what nobody has yet', () => {
  it('is told by tail, which waits for it all the same', async () => {
    for (const [option, name] of [
      ['--route', 'fastt'],
      ['--account', 'nope'],
      ['--clock', 'nope'],
    ] as const) {
      const { code, stderr } = await slipctl(['tail', option, name], env);
      const [notice, refusal] = stderr.trim().split('\n');
      expect([option, notice]).toEqual([
        option,
        expect.stringMatching(new RegExp(`there is no .*${name}.*waited for`)),
      ]);
      expect([code, refusal]).toEqual([2, expect.stringContaining('does not allow this')]);
    }
  });
});

describe('what is there, and has nothing of what is asked for', () => {
  it.each<[string[]]>([
    [['slips', '--provider', 'acme']],
    [['slips', '--provider', 'gone']],
    [['slips', '--provider', 'forbidden']],
    [['slips', '--account', 'silent-cust', '--overdue']],
    [['slips', '--route', 'fast', '--currency', 'EUR', '--not', 'provider=gone']],
    [['slips', '--clock', 'june', '--status', 'held']],
    [['slips', '--reference', 'ord-1', '--status', 'held']],
    [['cases', '--incident', 'i-1']],
    [['breaks', '--statement', 'st-1']],
    [['suspense', 'list', '--slip', 's-1']],
    [['export', 'events', '--slip', 's-1', ...out('there.ndjson')]],
  ])('is an empty answer: %p', async (args) => {
    expect(await slipctl(args, env)).toMatchObject({ code: 0, stderr: '' });
  });

  it('is not asked about where the service that knows has no address', async () => {
    const { GATEWAY_URL: _, ...others } = env;
    expect(await slipctl(['slips', '--provider', 'nope'], others)).toMatchObject({ code: 0, stderr: '' });
  });
});
