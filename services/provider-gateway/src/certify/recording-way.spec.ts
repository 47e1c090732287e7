import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { waitFor } from '@slipstream/testing';
import { openRecordingWay } from './recording-way.ts';

test.each<[string, RequestListener]>([
  ['hangs', () => {}],
  ['answers byte by byte, and never ends', (_, response) => void response.writeHead(200).write('{')],
])('a sandbox that %s is written down, and its connection ends with who asked', async (_, listener) => {
  const silent = createServer(listener).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const way = await openRecordingWay(`http://127.0.0.1:${port}`, () => new Date(0));
  try {
    const controller = new AbortController();
    const asked = fetch(`${way.url}/slips/s-1`, { signal: controller.signal });
    const [{ socket }] = await once(silent, 'request');
    const closed = once(socket, 'close');
    controller.abort();
    await expect(asked).rejects.toThrow('aborted');
    await closed;
    await waitFor(() => way.tape.length === 1, { what: 'the exchange' });
    expect(way.tape[0]).toMatchObject({ method: 'GET', path: '/slips/s-1', status: null });
    expect(way.unreachable).toBe('it does not answer');
  } finally {
    await way.close();
    silent.close();
  }
});

test('a sandbox that answers with megabytes fills no memory: what the tape has no room for is cut off', async () => {
  const mebi = 1024 * 1024;
  const flood = createServer((_, response) => response.end(Buffer.alloc(10 * mebi, ' '))).listen(
    0,
    '127.0.0.1',
  );
  await once(flood, 'listening');
  const way = await openRecordingWay(
    `http://127.0.0.1:${(flood.address() as AddressInfo).port}`,
    () => new Date(0),
  );
  try {
    const read = async () => (await (await fetch(`${way.url}/slips/s-1`)).arrayBuffer()).byteLength;
    for (let n = 0; n < 3; n++) expect(await read()).toBe(10 * mebi);
    for (let n = 0; n < 2; n++) await expect(read()).rejects.toThrow('fetch failed');
    expect(way.tape.map(({ answerBody }) => answerBody.length / mebi)).toEqual([10, 10, 10, 0, 0]);
    expect(way.unreachable).toBe(`an answer of more than ${2 * mebi} bytes`);
  } finally {
    await way.close();
    flood.close();
  }
});
