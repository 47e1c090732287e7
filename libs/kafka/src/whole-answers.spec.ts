import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Answers, wholeAnswers } from './whole-answers.ts';

function framed(answer: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(answer.length);
  return Buffer.concat([length, answer]);
}

describe('answers of a broker', () => {
  test('come whole and as they were sent, however they are cut, from a buffer that is used again', () => {
    const anyAnswers = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 20 });
    fc.assert(
      fc.property(anyAnswers, fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (sent, cuts) => {
        const stream = Buffer.concat(sent.map(framed));
        const answers = new Answers();
        const read: Buffer[] = [];
        const buffer = Buffer.alloc(64);
        for (let at = 0, n = 0; at < stream.length; n++) {
          const count = stream.copy(buffer, 0, at, at + cuts[n % cuts.length]!);
          answers.read(buffer, count, (answer) => read.push(answer));
          buffer.fill(0xff);
          at += count;
        }
        expect(read).toEqual(sent.map(framed));
      }),
    );
  });

  test.each([-1, 0, 2 ** 31 - 1])('with a length of %d are none', (length) => {
    const head = Buffer.alloc(4);
    head.writeInt32BE(length);
    expect(() => new Answers().read(head, 4, () => {})).toThrow(`an answer of ${length} bytes`);
  });
});

describe('a socket', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  async function connected(talk: (socket: Socket) => void): Promise<Socket> {
    const server = createServer(talk);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const socket = wholeAnswers({ host: '127.0.0.1', port, ssl: undefined as never, onConnect: () => {} });
    closing.push(() => {
      socket.destroy();
      server.close();
    });
    return socket;
  }

  test('gives answers as one piece each, larger ones than it reads at a time, too, and its end', async () => {
    const sent = [new Uint8Array(3).fill(1), new Uint8Array(1_000_000).fill(2), new Uint8Array(5).fill(3)];
    const socket = await connected((peer) => peer.end(Buffer.concat(sent.map(framed))));
    const read: Buffer[] = [];
    socket.on('data', (answer) => read.push(answer as Buffer));
    await new Promise((resolve) => socket.once('end', resolve));
    expect(read.map((answer) => answer.equals(framed(sent[read.indexOf(answer)]!)))).toEqual([
      true,
      true,
      true,
    ]);
  });

  test('is closed with an error when its peer talks nonsense', async () => {
    const socket = await connected((peer) => peer.write('HTTP/1.1 400\r\n'));
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(error.message).toContain('an answer of');
    expect(socket.destroyed).toBe(true);
  });
});
