import { createRequire } from 'node:module';
import { expect, it } from '@jest/globals';
import './no-headers.ts';

const load = createRequire(import.meta.url);
const Record = load('kafkajs/src/protocol/recordBatch/record/v0');
const Decoder = load('kafkajs/src/protocol/decoder');
const decode = load('kafkajs/src/protocol/recordBatch/record/v0/decoder');

it('reads a record without its headers, however many they are', () => {
  const headers = Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`h${i}`, 'x']));
  const decoder = new Decoder(Record({ key: 'k', value: 'v', offsetDelta: 3, headers }).buffer);
  decoder.readVarInt();
  const record = decode(decoder, { firstOffset: '4', firstTimestamp: '0' });
  expect(record).toMatchObject({ offset: '7', headers: {} });
  expect(String(record.value)).toBe('v');
});
