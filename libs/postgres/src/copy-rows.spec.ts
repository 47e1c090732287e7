import { EventEmitter } from 'node:events';
import { expect, it } from '@jest/globals';
import type pg from 'pg';
import { bytea, int4 } from './column-types.ts';
import { table } from './columns.ts';
import { type CopyIn, copyRows } from './copy-rows.ts';

const target = table('t', { n: int4, body: bytea });

/** A socket that takes so many messages and then nothing until it is told. */
class SlowSocket extends EventEmitter {
  readonly written: number[] = [];
  writableNeedDrain = false;

  write(bytes: Buffer): boolean {
    this.written.push(bytes.length);
    this.writableNeedDrain = true;
    return false;
  }

  drain(): void {
    this.writableNeedDrain = false;
    this.emit('drain');
  }
}

function copying(count: number) {
  const socket = new SlowSocket();
  const said: string[] = [];
  let asked = 0;
  const rows = {
    length: count,
    *[Symbol.iterator]() {
      for (let n = 0; n < count; n++) {
        asked = n + 1;
        yield { n, body: Buffer.alloc(1_000) };
      }
    },
  };
  let query: CopyIn | null = null;
  const client = { query: (copy: CopyIn) => (query = copy) } as unknown as pg.ClientBase;
  const ended = copyRows(client, target, rows);
  ended.catch(() => {});
  query!.handleCopyInResponse({
    stream: socket,
    query: () => {},
    sendCopyFail: (why: string) => said.push(why),
    endCopyFrom: () => said.push('end'),
  });
  return { socket, said, ended, query: query! as CopyIn, asked: () => asked };
}

/** Lets what waits for a resolved promise go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

it('rows are asked for no faster than the socket takes them', async () => {
  const { socket, said, query, ended, asked } = copying(1_000);
  await turn();
  expect(socket.written).toHaveLength(1);
  expect(asked()).toBeLessThan(100);
  for (let time = 0; !said.includes('end') && time < 100; time++) {
    socket.drain();
    await turn();
  }
  expect(asked()).toBe(1_000);
  expect(socket.listenerCount('drain') + socket.listenerCount('close')).toBe(0);
  query.handleReadyForQuery();
  await ended;
});

it.each(['drain', 'close'])(
  'a COPY that has failed sends nothing more: the next would take it for its own (%s)',
  async (event) => {
    const { socket, said, query, ended } = copying(1_000);
    await turn();
    query.handleError(new Error('duplicate key'));
    socket.writableNeedDrain = false;
    socket.emit(event);
    await turn();
    expect(socket.written).toHaveLength(1);
    expect(said).toEqual([]);
    await expect(ended).rejects.toThrow('duplicate key');
  },
);
