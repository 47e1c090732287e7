import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from '@jest/globals';
import type { CallbackReader } from '../application/ports.ts';
import { hearCallbacks } from './callback-listener.ts';

const reader = {
  understand: () => ({ slipId: 's-1' }),
  read: () => ({ webhookId: 'w-1', message: {} }),
} as unknown as CallbackReader;

test('a callback that is cut off in its body is none, and the next is heard', async () => {
  const listener = await hearCallbacks(reader, { host: '127.0.0.1', port: 0 }, () => 5);
  try {
    const socket = net.connect(listener.port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n');
    await once(socket, 'data'); // the listener waits for the body
    socket.resetAndDestroy();
    const answered = await fetch(`http://127.0.0.1:${listener.port}/`, { method: 'POST', body: '{}' });
    expect(answered.status).toBe(204);
    expect(listener.heard).toEqual([{ atMs: 5, slipId: 's-1', webhookId: 'w-1', problem: null }]);
  } finally {
    await listener.close();
  }
});
