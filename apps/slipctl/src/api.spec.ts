import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Api } from './api.ts';
import { serve } from './spec-support.ts';

let service: Awaited<ReturnType<typeof serve>>;
let api: Api;

/** By path: what is JSON, and no answer of a service of ours. */
const strange = new Map<string, { status?: number; body: unknown }>([
  ['/null', { body: null }],
  ['/list', { body: [1] }],
  ['/number', { body: 5 }],
  ['/no-list', { body: { data: {} } }],
  ['/texts', { body: { data: ['x'] } }],
  ['/next', { body: { data: [], next: 5 } }],
]);

beforeAll(async () => {
  service = await serve(({ pathname }) => {
    if (pathname === '/readyz') return { body: { ok: true } };
    return strange.get(pathname) ?? { body: 'all of it' };
  });
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

  it.each([...strange.keys()])('is none when it says %s', async (path) => {
    await expect(api.get(path.slice(1))).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('does not answer as a service of ours'),
    });
  });

  it.each([
    ['that is no list', {}],
    ['that leads to itself', { data: [], next: 'x' }],
  ])('is asked for one page %s, and not for ever', async (_, body) => {
    const other = await serve(() => ({ body }));
    try {
      const pages = new Api({ name: 'ledger', url: other.url, token: 'good', timeoutMs: 60_000 }).pages(
        'v1',
        {},
      );
      const read = async () => {
        for await (const page of pages) expect(page).toEqual([]);
      };
      await expect(read()).rejects.toThrow('does not answer as a service of ours');
    } finally {
      await other.stop();
    }
  });

  it.each([
    [{ detail: 'a\nb', errors: 'no' }, 'ledger answers 400: a b'],
    [
      { title: 5, errors: [null, { pointer: '/a', detail: 'is wrong' }] },
      'ledger answers 400: 5 /a is wrong',
    ],
    [[], 'ledger answers 400'],
  ])('tells in one line what is wrong, however it says so: %j', async (body, message) => {
    const other = await serve(() => ({ status: 400, body }));
    try {
      const asked = new Api({ name: 'ledger', url: other.url, token: 'good', timeoutMs: 60_000 });
      await expect(asked.get('v1')).rejects.toMatchObject({ exitCode: 2, message });
    } finally {
      await other.stop();
    }
  });

  it('is not read for ever', async () => {
    const endless = createServer((_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(1024 * 1024, ' ')));
      };
      response.on('drain', more);
      more();
    });
    await once(endless.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port } = endless.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}`;
      const asked = new Api({ name: 'ledger', url, token: 'good', timeoutMs: 60_000 });
      await expect(asked.get('v1')).rejects.toMatchObject({
        exitCode: 3,
        message: expect.stringContaining('longer than 268435456 bytes'),
      });
    } finally {
      endless.closeAllConnections();
      endless.close();
    }
  });
});
