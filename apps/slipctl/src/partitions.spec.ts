import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { serve, slipctl } from './spec-support.ts';

const stopped = {
  ...{ topic: 'slips.events.v1', partition: 3, stopped_at: '2026-11-22T10:00:00.000000Z' },
  ...{ why: 'records 8 to 11 of /slipstream/intake are lost', next_offset: 812, unread: null },
  record: { source: '/slipstream/intake', sequence: 12, digest: 'b2' },
  sources: [{ source: '/slipstream/intake', sequence: 7, digest: 'a1' }],
};
const unread = { ...stopped, partition: 4, record: null, unread: 'the log ends before it', sources: [] };
let answered: object[] = [];
let posted: unknown;
let services: Awaited<ReturnType<typeof serve>>[] = [];
let env: Record<string, string>;

beforeAll(async () => {
  const ledger = await serve(({ pathname }, body) => {
    if (pathname === '/v1/stopped-partitions') return { body: { data: answered } };
    if (pathname !== '/v1/stopped-partitions/go-on') return { status: 404, body: { detail: 'not here' } };
    posted = body;
    return { body: { id: 'd-1' } };
  });
  const intake = await serve(() => ({ body: { data: [] } }));
  services = [ledger, intake];
  env = { LEDGER_URL: ledger.url, INTAKE_URL: intake.url, TOKEN_SRE: 'good' };
});
afterAll(async () => {
  for (const service of services) await service.stop();
});

describe('slipctl partitions', () => {
  it('says that none has stopped', async () => {
    answered = [];
    const { code, stdout } = await slipctl(['partitions', 'list'], env);
    expect([code, stdout]).toEqual([0, 'no partition has stopped\n']);
  });

  it('shows what was read last beside what stands there, or why nothing is known, and exits with 1', async () => {
    answered = [stopped, unread];
    const { code, stdout } = await slipctl(['partitions', 'list'], env);
    expect(code).toBe(1);
    expect(stdout).toMatch(/ledger +slips.events.v1 3 +2026-11-22\S+ +812 +7 a1 +12 b2 +records 8 to 11/);
    expect(stdout).toMatch(/ledger +slips.events.v1 4 .* 812 +- +the log ends before it/);
    const { stdout: json } = await slipctl(['partitions', 'list', '--service', 'ledger', '--json'], env);
    expect(JSON.parse(json)).toEqual([stopped, unread].map((one) => ({ ...one, service: 'ledger' })));
  });

  it('exits with 3 when a service is away, and shows the others', async () => {
    answered = [stopped];
    const away = { ...env, GATEWAY_URL: 'http://127.0.0.1:9' };
    const { code, stdout, stderr } = await slipctl(['partitions', 'list'], away);
    expect([code, stdout]).toEqual([3, expect.stringContaining('slips.events.v1 3')]);
    expect(stderr).toContain('gateway at http://127.0.0.1:9 cannot be reached');
  });

  it('lets one go on from where people say, with their reason', async () => {
    const place = ['slips.events.v1', '3', '--service', 'ledger', '--from', '812'];
    const { code, stdout } = await slipctl(['partitions', 'go-on', ...place, '--why', 'lost'], env);
    expect([code, stdout]).toEqual([0, 'decided (d-1); ledger goes on within seconds\n']);
    expect(posted).toEqual({ topic: 'slips.events.v1', partition: 3, offset: 812, reason: 'lost' });
  });

  it.each([
    [['go-on', 't', '3', '--from', '1', '--why', 'w'], '--service'],
    [['go-on', 't', '3', '--service', 'ledger', '--why', 'w'], '--from'],
    [['go-on', 't', '3', '--service', 'ledger', '--from', '1'], '--why'],
    [['go-on', 't', 'x', '--service', 'ledger', '--from', '1', '--why', 'w'], 'not a whole number'],
    [['go-on', 't', '3', '--service', 'ledger', '--from', '-1', '--why', 'w'], 'not a whole number'],
    [['list', '--service', 'none'], 'Allowed choices'],
  ])('%p is wrong usage', async (args, said) => {
    const { code, stderr } = await slipctl(['partitions', ...args], env);
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
  });
});
