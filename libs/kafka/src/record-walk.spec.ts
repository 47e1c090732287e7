import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { encodeCloudEvent } from '@slipstream/contracts';
import fc from 'fast-check';
import type { Message } from './message.ts';
import './empty-batches.ts';
import { abortedBatches } from './raw-batches.ts';
import { headOf, readBatches, recordsFrom } from './record-batch.ts';
import { cutHeaders } from './record-headers.ts';
import { RecordWalk, recordsOf } from './record-walk.ts';
import { eventBytes } from './test-support/records.ts';

const load = createRequire(import.meta.url);
const Decoder = load('kafkajs/src/protocol/decoder');
const Encoder = load('kafkajs/src/protocol/encoder');
const Long = load('kafkajs/src/utils/long');
const decodeMessages = load('kafkajs/src/protocol/requests/fetch/v4/decodeMessages');
const { RecordBatch } = load('kafkajs/src/protocol/recordBatch/v0');
const Record = load('kafkajs/src/protocol/recordBatch/record/v0');

interface Given {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, string | string[]>;
  readonly timestamp: number;
}

interface GivenBatch {
  readonly records: readonly Given[];
  readonly compression: 0 | 1;
  /** Left out by compaction before the next batch. */
  readonly gap: number;
}

async function encode(batches: readonly GivenBatch[]): Promise<Buffer> {
  const encoder = new Encoder();
  let firstOffset = 2 ** 33;
  for (const { records, compression, gap } of batches) {
    const firstTimestamp = 1_763_800_000_000;
    const encoded = records.map((record, i) =>
      Record({ ...record, offsetDelta: i, timestamp: firstTimestamp + record.timestamp, firstTimestamp }),
    );
    const lastOffsetDelta = Math.max(records.length - 1, 0) + gap;
    encoder.writeEncoder(
      await RecordBatch({
        ...{ firstOffset: Long.fromNumber(firstOffset), firstTimestamp, maxTimestamp: firstTimestamp },
        ...{ lastOffsetDelta, compression, records: encoded },
      }),
    );
    firstOffset += lastOffsetDelta + 1;
  }
  return encoder.buffer;
}

/** What kafkajs reads of the same bytes. */
async function byKafkajs(bytes: Buffer): Promise<unknown[]> {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  const answer = Buffer.concat([length, bytes]);
  const messages = await decodeMessages(new Decoder(answer));
  return messages
    .filter((one: { isControlRecord: boolean }) => !one.isControlRecord)
    .map(({ offset, timestamp, key, value, headers }: Record<string, unknown>) => ({
      ...{ offset: Number(offset), timestampMs: Number(timestamp), key, value, headers },
    }));
}

async function byWalk(bytes: Buffer, fromOffset = 0): Promise<Message[]> {
  const batches = await Promise.all([...readBatches(bytes)].map((one) => recordsFrom(one, headOf(one))));
  return recordsOf(batches, fromOffset);
}

const shown = ({ offset, timestampMs, key, value, headers }: Message) => ({
  ...{ offset, timestampMs, key, value, headers },
});

const bytes = fc.uint8Array({ maxLength: 200 }).map((one) => Buffer.from(one));
const event = fc
  .tuple(fc.nat(), fc.string({ maxLength: 300 }), fc.string({ maxLength: 40 }))
  .map(([sequence, text, key]) => eventBytes(sequence, { text, key: key || 'k' }));
const foreign = fc
  .string()
  .map((id) =>
    Buffer.from(encodeCloudEvent({ id, source: '/x', type: 'y', subject: id, clock: 'c' }, Buffer.from(id))),
  );
const record: fc.Arbitrary<Given> = fc.record({
  key: fc.option(bytes),
  value: fc.option(fc.oneof(bytes, event, foreign)),
  headers: fc.dictionary(
    fc.string({ maxLength: 12 }).filter((name) => name !== '__proto__'),
    fc.oneof(fc.string(), fc.array(fc.string(), { minLength: 2, maxLength: 3 })),
    { maxKeys: 4 },
  ),
  timestamp: fc.integer({ min: -10_000, max: 2 ** 40 }),
});
const batch: fc.Arbitrary<GivenBatch> = fc.record({
  records: fc.array(record, { maxLength: 8 }),
  compression: fc.constantFrom(0 as const, 1 as const),
  gap: fc.nat({ max: 3 }),
});

describe('walking a record batch', () => {
  it('finds what kafkajs decodes: keys, values and tombstones, headers, times, compressed or not, cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 4 }), fc.nat(), async (batches, cut) => {
        const whole = await encode(batches);
        expect((await byWalk(whole)).map(shown)).toEqual(await byKafkajs(whole));
        // kafkajs falls over an answer that ends inside the first batch's head.
        const part = whole.subarray(0, whole.length <= 61 ? 0 : 61 + (cut % (whole.length - 61)));
        expect((await byWalk(part)).map(shown)).toEqual(await byKafkajs(part));
      }),
      { numRuns: 60 },
    );
  });

  it('gives no record below the offset that was asked for', async () => {
    const one = { key: null, value: Buffer.from('v'), headers: {}, timestamp: 0 };
    const encoded = await encode([{ records: [one, one, one], compression: 0, gap: 0 }]);
    expect((await byWalk(encoded, 2 ** 33 + 2)).map(({ offset }) => offset)).toEqual([2 ** 33 + 2]);
  });

  it('knows the offset behind a batch whose last records compaction has taken away', async () => {
    const one = { key: null, value: Buffer.from('v'), headers: {}, timestamp: 0 };
    const walk = new RecordWalk();
    walk.batch(await encode([{ records: [one], compression: 0, gap: 2 }]));
    while (walk.next()) expect(walk.offset).toBe(2 ** 33);
    expect(walk.nextOffset).toBe(2 ** 33 + 3);
  });

  it('sees without decoding that a record has few headers, and decodes all others', async () => {
    const headers = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, 'x']));
    const given = [0, 63, 64, 128, 129].map((count) => ({
      key: null,
      value: null,
      headers: headers(count),
      timestamp: 0,
    }));
    const records = await byWalk(await encode([{ records: given, compression: 0, gap: 0 }]));
    expect(records.map(({ hasFewHeaders }) => hasFewHeaders)).toEqual([true, true, false, false, false]);
    expect(records.map((one) => cutHeaders(one.headers)?.count ?? null)).toEqual([
      null,
      null,
      null,
      null,
      129,
    ]);
  });

  it('refuses a record whose lengths lead out of its batch', async () => {
    const one = { key: Buffer.from('key'), value: Buffer.from('value'), headers: {}, timestamp: 0 };
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 40 }), fc.nat({ max: 255 }), async (at, byte) => {
        const encoded = await encode([{ records: [one, one], compression: 0, gap: 0 }]);
        const damaged = Buffer.from(encoded);
        damaged[61 + (at % (damaged.length - 61))] = byte;
        const walk = new RecordWalk();
        walk.batch(damaged);
        try {
          while (walk.next()) expect((walk.value()?.length ?? 0) <= damaged.length).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

type Told = Parameters<ReturnType<typeof abortedBatches>>;

describe('batches of transactions', () => {
  const head = { ...{ baseOffset: 0, firstTimestampMs: 0, appendTimestampMs: null, count: 1, recordsAt: 0 } };
  const data = (lastOffset: number, producerId: bigint) =>
    [Buffer.alloc(0), { ...head, lastOffset, producerId, isTransactional: true, isControl: false }] as Told;
  const marker = (lastOffset: number, producerId: bigint, kind: 0 | 1) =>
    [
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, kind]),
      { ...head, lastOffset, producerId, isTransactional: true, isControl: true },
    ] as Told;

  it('are left out between the first of an aborted one and its marker, also where it began before what was read', () => {
    const isAborted = abortedBatches([
      { producerId: 7n, firstOffset: 60 },
      { producerId: 5n, firstOffset: 50 },
    ]);
    const seen: Told[] = [
      data(100, 7n),
      data(101, 5n),
      data(102, 9n),
      marker(103, 7n, 0),
      data(104, 7n),
      data(105, 5n),
    ];
    expect(seen.map((one) => isAborted(...one))).toEqual([true, true, false, false, false, true]);
  });

  it('of one producer that has committed meanwhile are told from those it aborts later', () => {
    const isAborted = abortedBatches([{ producerId: 7n, firstOffset: 12 }]);
    const seen: Told[] = [data(10, 7n), marker(11, 7n, 1), data(12, 7n), marker(13, 7n, 0), data(14, 7n)];
    expect(seen.map((one) => isAborted(...one))).toEqual([false, false, true, false, false]);
  });
});
