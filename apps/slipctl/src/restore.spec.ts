import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { serve, slipctl } from './spec-support.ts';

const older = 'slips.events.v1:3: this database is older than the log of /slipstream/intake';
let isOlder: () => boolean;
let hasOwnLog = true;
let service: Awaited<ReturnType<typeof serve>>;
let env: Record<string, string>;

beforeAll(async () => {
  service = await serve(() => {
    const ok = !isOlder();
    const ownLog = ok ? { name: 'own log', ok } : { name: 'own log', ok, detail: older };
    const checks = [{ name: 'relay', ok: true }, ...(hasOwnLog ? [ownLog] : [])];
    return { status: ok ? 200 : 503, body: { ready: ok, checks } };
  });
  env = { INTAKE_URL: service.url, TOKEN_SRE: 'good' };
});
afterAll(() => service.stop());

describe('slipctl restore check', () => {
  it('is content where every database is as new as its log', async () => {
    isOlder = () => false;
    const { code, stdout } = await slipctl(['restore', 'check'], env);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/intake +as new as its log +yes +-/)]);
  });

  it('says which database lacks what its service has published, and of what', async () => {
    isOlder = () => true;
    const { code, stdout } = await slipctl(['restore', 'check'], env);
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/intake +NOT as its log +NO +own log: .*older/),
    ]);
    const { stdout: json } = await slipctl(['restore', 'check', '--json'], env);
    expect(JSON.parse(json)).toMatchObject({
      ok: false,
      services: [{ database: 'not_current', ready: false }],
    });
  });

  it('waits until all are, and says meanwhile what it waits for', async () => {
    let asked = 0;
    isOlder = () => ++asked <= 2;
    const { code, stderr } = await slipctl(['restore', 'check', '--wait', '--timeout', '60s'], env);
    expect([code, stderr]).toEqual([0, expect.stringContaining('waiting: intake: own log')]);
    isOlder = () => true;
    expect(await slipctl(['restore', 'check', '--wait', '--timeout', '1s'], env)).toMatchObject({ code: 4 });
  });

  it('does not call a database new that nobody spoke of', async () => {
    isOlder = () => false;
    hasOwnLog = false;
    expect(await slipctl(['restore', 'check'], env)).toMatchObject({ code: 3 });
    hasOwnLog = true;
    const away = { ...env, LEDGER_URL: 'http://127.0.0.1:9' };
    const { code, stdout } = await slipctl(['restore', 'check'], away);
    expect([code, stdout]).toEqual([
      3,
      expect.stringMatching(/ledger +\? +NO +ledger at .*cannot be reached/),
    ]);
  });
});
