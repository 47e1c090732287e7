import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import './empty-batches.ts';

const load = createRequire(import.meta.url);
const Decoder = load('kafkajs/src/protocol/decoder');
const Encoder = load('kafkajs/src/protocol/encoder');
const decodeMessages = load('kafkajs/src/protocol/requests/fetch/v4/decodeMessages');
const { RecordBatch } = load('kafkajs/src/protocol/recordBatch/v0');
const Record = load('kafkajs/src/protocol/recordBatch/record/v0');

type Decoded = { offset: string; isControlRecord: boolean }[];

async function fetched(
  ...batches: { firstOffset: number; lastOffsetDelta: number; keys: string[] }[]
): Promise<Decoded> {
  const encoder = new Encoder();
  for (const { firstOffset, lastOffsetDelta, keys } of batches) {
    const records = keys.map((key, i) =>
      Record({ key, value: 'x', offsetDelta: lastOffsetDelta - keys.length + 1 + i }),
    );
    const Long = load('kafkajs/src/utils/long');
    const batch = await RecordBatch({ firstOffset: Long.fromInt(firstOffset), lastOffsetDelta, records });
    encoder.writeEncoder(batch);
  }
  return decodeMessages(new Decoder(new Encoder().writeInt32(encoder.size()).writeEncoder(encoder).buffer));
}

describe('a record batch that compaction has emptied', () => {
  it('is passed as a control record at its last offset', async () => {
    const records = await fetched({ firstOffset: 500, lastOffsetDelta: 7, keys: [] });
    expect(records).toMatchObject([{ offset: '507', isControlRecord: true }]);
  });

  it('hides none of the records around it', async () => {
    const records = await fetched(
      { firstOffset: 3, lastOffsetDelta: 0, keys: ['a'] },
      { firstOffset: 10, lastOffsetDelta: 2, keys: [] },
      { firstOffset: 20, lastOffsetDelta: 1, keys: ['b', 'c'] },
    );
    const shown = records.filter((record) => !record.isControlRecord).map((record) => record.offset);
    expect(shown).toEqual(['3', '20', '21']);
  });

  it('is not seen in other empty arrays', () => {
    const bytes = Buffer.alloc(49);
    bytes[4] = 2;
    const decoder = new Decoder(bytes);
    decoder.offset = 45;
    expect(decoder.readArray(() => 1)).toEqual([]);
  });
});
