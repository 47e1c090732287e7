import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { readSlips } from './progress.ts';

let server: Server | undefined;
afterEach(() => void server?.close());

/** A ledger whose cursors go on in the list that gave them, and in no other. */
async function ledgerOf(pages: readonly (readonly string[])[]): Promise<string> {
  const filters = (url: URL) => `${url.searchParams.get('submitted_from')} ${url.searchParams.get('sort')}`;
  let asked: string | null = null;
  server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://ledger');
    const at = Number(url.searchParams.get('cursor') ?? 0);
    asked ??= filters(url);
    const next = at + 1 < pages.length ? String(at + 1) : null;
    response.statusCode = filters(url) === asked ? 200 : 400;
    response.end(JSON.stringify({ data: pages[at]!.map((id) => ({ id })), next }));
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('slips are read page by page, with the same filters for each', async () => {
  const url = await ledgerOf([['a', 'b'], ['c'], ['d']]);
  const slips = await readSlips(url, 'token', '2026-11-22T10:00:00.000Z');
  expect(slips.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
});
