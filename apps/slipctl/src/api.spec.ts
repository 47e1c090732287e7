import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Api } from './api.ts';
import { serve } from './spec-support.ts';

let service: Awaited<ReturnType<typeof serve>>;
let api: Api;

beforeAll(async () => {
  service = await serve(({ pathname }) =>
    pathname === '/readyz' ? { body: { ok: true } } : { body: 'all of it' },
  );
  api = new Api({ name: 'ledger', url: service.url, token: 'good', timeoutMs: 60_000 });
});
afterAll(() => service.stop());

describe('an answer that is read piece by piece', () => {
  it('is not silent while its reader is busy', async () => {
    let text = '';
    const stream = api.stream('v1/slips', { query: {}, accept: 'text/csv', silenceMs: 1_000 });
    for await (const chunk of stream) {
      text += Buffer.from(chunk).toString();
      // Nobody turns the pager.
      await sleep(2_500);
    }
    expect(text).toBe('all of it');
  });
});

describe('what answers at an address', () => {
  it('is no service of ours when it does not say whether it is ready', async () => {
    await expect(api.readiness()).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('does not say whether it is ready'),
    });
  });
});
