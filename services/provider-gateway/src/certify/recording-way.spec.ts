import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { waitFor } from '@slipstream/testing';
import { openRecordingWay } from './recording-way.ts';

test('a sandbox that hangs is written down, and its connection ends with who asked', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
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
