import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import {
  cutHeaders,
  headersBytesMax,
  headersCountMax,
  headersProblem,
  type RecordHeaders,
} from './record-headers.ts';
import { decodedHeaders } from './test-support/headers.ts';

const many = (count: number): [string, Buffer][] =>
  Array.from({ length: count }, (_, i) => [`h${i}`, Buffer.from('x')]);

describe('the headers of a record', () => {
  it('are read as kafkajs gives them, a repeated one as a list', () => {
    const headers = decodedHeaders([
      ['a', Buffer.from('1')],
      ['twice', Buffer.from('2')],
      ['twice', Buffer.from('3')],
      ['twice', Buffer.from('4')],
      ['empty', Buffer.alloc(0)],
    ]);
    expect({ ...headers }).toEqual({
      a: Buffer.from('1'),
      twice: [Buffer.from('2'), Buffer.from('3'), Buffer.from('4')],
      empty: Buffer.alloc(0),
    });
    expect(headersProblem(headers)).toBeNull();
    expect(headersProblem(undefined)).toBeNull();
  });

  it('may have any name', () => {
    const headers = decodedHeaders([
      ['constructor', Buffer.from('c')],
      ['__proto__', Buffer.from('p')],
    ]);
    expect(Object.keys(headers)).toEqual(['constructor', '__proto__']);
    expect(String(headers.constructor)).toBe('c');
  });

  it('are all taken up to the limits', () => {
    expect(cutHeaders(decodedHeaders(many(headersCountMax)))).toBeNull();
    const largest = decodedHeaders([['a', Buffer.alloc(headersBytesMax - 10)]]);
    expect(cutHeaders(largest)).toBeNull();
    expect(largest.a).toHaveLength(headersBytesMax - 10);
  });

  it.each([14_000, 40_000, 200_000])('are cut when a record has %i of them', (count) => {
    const headers = decodedHeaders(many(count));
    expect(Object.keys(headers)).toHaveLength(headersCountMax);
    expect(cutHeaders(headers)).toMatchObject({ count, raw: expect.any(Buffer) });
    expect(cutHeaders(headers)!.raw.length).toBeGreaterThan(count * 5);
    expect(headersProblem(headers)).toMatch(
      new RegExp(`^too many headers: ${count} of .* 128 and 65536 bytes`),
    );
  });

  it('are cut when they are too large, also one of them and its name', () => {
    for (const name of ['a', 'n'.repeat(800_000)]) {
      const headers = decodedHeaders([
        ['first', Buffer.from('1')],
        [name, Buffer.alloc(800_000, 0xff)],
      ]);
      expect(Object.keys(headers)).toEqual(['first']);
      expect(cutHeaders(headers)!.raw.length).toBeGreaterThan(800_000);
    }
  });

  it('may lie about their number without harm', () => {
    expect(headersProblem(decodedHeaders(many(2), 2_000_000_000))).toMatch(/^too many headers: 2000000000/);
    expect(Object.keys(decodedHeaders(many(2), -7))).toEqual([]);
  });

  it('are read by kafkajs’ own record decoder', () => {
    const load = createRequire(import.meta.url);
    const Record = load('kafkajs/src/protocol/recordBatch/record/v0');
    const Decoder = load('kafkajs/src/protocol/decoder');
    const decode = load('kafkajs/src/protocol/recordBatch/record/v0/decoder');
    const headers = Object.fromEntries(many(1_000).map(([name]) => [name, 'x']));
    const bytes = Record({ key: 'k', value: 'v', headers }).buffer;
    const decoder = new Decoder(bytes);
    decoder.readVarInt();
    const record = decode(decoder, { firstOffset: '0', firstTimestamp: '0' }) as { headers: RecordHeaders };
    expect(cutHeaders(record.headers)).toMatchObject({ count: 1_000 });
  });
});
