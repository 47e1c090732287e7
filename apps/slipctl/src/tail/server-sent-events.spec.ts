import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readServerSentEvents } from './server-sent-events.ts';

const text =
  'retry: 1000\n\nid: a\nevent: x\ndata: {"ü":\ndata: 1}\n\n: nothing\n\nid: b\n\ndata:c\n\nid: cut off';

async function read(chunks: readonly Uint8Array[]) {
  const events = [];
  for await (const event of readServerSentEvents(stream(chunks))) events.push(event);
  return events;
}

async function* stream(chunks: readonly Uint8Array[]) {
  yield* chunks;
}

describe('server-sent events', () => {
  it('are the same however their bytes come, and places without an event are told', async () => {
    const bytes = new TextEncoder().encode(text);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
        const ends = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const chunks = ends.slice(1).map((end, index) => bytes.subarray(ends[index], end));
        expect(await read(chunks)).toEqual([
          { id: 'a', type: 'x', data: '{"ü":\n1}' },
          { id: 'b', type: 'message', data: '' },
          { id: 'b', type: 'message', data: 'c' },
        ]);
      }),
    );
  });
});
