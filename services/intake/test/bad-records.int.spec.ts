import { randomUUID } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { encodeInbound, readEnvelope, type SubmitSlip, topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import { waitFor } from '@slipstream/testing';
import kafkajs from 'kafkajs';
import { type IntakeUnderTest, intakeUnderTest } from './intake-under-test.ts';

/** The row "Kafka record" of the table of bad inputs, on the inbound topic, cell by cell. */

let intake: IntakeUnderTest;
let producer: ReturnType<IntakeUnderTest['kafka']['producer']>;
beforeAll(async () => {
  intake = await intakeUnderTest();
  await intake.start();
  producer = intake.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
});
afterAll(async () => {
  await producer?.disconnect();
  await intake?.stop();
}, 60_000);

const { name: topic, partitions } = topics.commands;

function command(reference: string, change: Partial<SubmitSlip> = {}, id: string = randomUUID()): Buffer {
  const data: SubmitSlip = {
    ...{ reference, kind: 'payment', account: 'cust-42', counterparty: 'shop-7', route: 'default' },
    ...{ amount: { amount: 1250n, currency: 'EUR' }, deadline: null, metadata: {} },
    ...change,
  };
  const head = { id, caller: '/shop', clock: 'wall', time: null, traceparent: '', subject: 'any' };
  return Buffer.from(encodeInbound({ ...head, command: { type: 'SubmitSlip', data } }));
}

/** The headers of binary mode, with what is to be wrong; undefined leaves one out. */
function binary(change: Record<string, string | string[] | undefined> = {}) {
  const all: Record<string, string | string[] | undefined> = {
    'content-type': 'application/protobuf',
    ce_specversion: '1.0',
    ce_id: randomUUID(),
    ce_source: '/shop',
    ce_type: 'slipstream.command.submit_slip.v1',
    ...change,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<
    string,
    string | string[]
  >;
}
const dataOf = (reference: string) => Buffer.from(readEnvelope(command(reference)).data);

const { CompressionCodecs, CompressionTypes } = kafkajs;

/** Snappy as literals alone, each of at most 60 bytes. */
function literalSnappy(bytes: Buffer): Buffer {
  const literals = Array.from({ length: Math.ceil(bytes.length / 60) }, (_, index) => {
    const part = bytes.subarray(60 * index, 60 * (index + 1));
    return Buffer.concat([Buffer.of((part.length - 1) << 2), part]);
  });
  return Buffer.concat([varint(bytes.length), ...literals]);
}

function varint(value: number): Buffer {
  return value < 0x80
    ? Buffer.of(value)
    : Buffer.concat([Buffer.of((value & 0x7f) | 0x80), varint(value >> 7)]);
}

interface Sent {
  readonly key?: string | null;
  readonly value: Buffer | null;
  readonly headers?: Record<string, string | string[]>;
  readonly timestamp?: string;
}

async function send(
  name: string,
  { key = name, value, headers, timestamp }: Sent,
  compression = 0,
): Promise<void> {
  const message = { key, value, partition: partitionOf(name, partitions), ...(headers ? { headers } : {}) };
  await producer.send({
    topic,
    compression,
    messages: [timestamp === undefined ? message : { ...message, timestamp }],
  });
}
const deadLetterOf = (key: string) =>
  waitFor(() => intake.deadLetters.find((letter) => letter.key === key), { what: `the dead letter ${key}` });

describe('a record that cannot be read is a dead letter that says why, and the next one flows', () => {
  test.each<[string, () => Sent, string]>([
    ['no value', () => ({ value: null }), 'no value'],
    ['nothing', () => ({ value: Buffer.alloc(0) }), ''],
    ['a JSON list', () => ({ value: Buffer.from('[]') }), ''],
    [
      'JSON, as it says itself',
      () => ({ value: Buffer.from('{"reference":"x"}'), headers: { 'content-type': 'application/json' } }),
      'ce_id, ce_source or ce_type is missing',
    ],
    [
      'a CloudEvent in JSON',
      () => ({
        value: Buffer.from('{}'),
        headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
      }),
      'the record is application/cloudevents+json',
    ],
    [
      'another version of CloudEvents',
      () => ({ value: dataOf('x'), headers: binary({ ce_specversion: '0.3' }) }),
      'specversion is "0.3", and only 1.0 is known',
    ],
    [
      'two versions of CloudEvents',
      () => ({ value: dataOf('x'), headers: binary({ ce_specversion: ['1.0', '0.3'] }) }),
      'ce_specversion is given twice',
    ],
    ['text', () => ({ value: Buffer.from('submit a slip, please') }), ''],
    ['a command cut in the middle', () => ({ value: command('cut').subarray(0, 50) }), ''],
    [
      'a command with bytes behind it',
      () => ({ value: Buffer.concat([command('long'), Buffer.alloc(9, 255)]) }),
      '',
    ],
    [
      'an unknown type',
      () => ({ value: dataOf('x'), headers: binary({ ce_type: 'slipstream.command.frobnicate.v1' }) }),
      'is not known',
    ],
    [
      'an unknown version of a type',
      () => ({ value: dataOf('x'), headers: binary({ ce_type: 'slipstream.command.submit_slip.v2' }) }),
      'is not known',
    ],
    ['no type', () => ({ value: dataOf('x'), headers: binary({ ce_type: undefined }) }), 'is missing'],
    ['no source', () => ({ value: dataOf('x'), headers: binary({ ce_source: undefined }) }), 'is missing'],
    [
      'a header twice',
      () => ({ value: dataOf('x'), headers: binary({ ce_id: ['a', 'b'] }) }),
      'ce_id is given twice',
    ],
    [
      'a time that is none',
      () => ({ value: dataOf('x'), headers: binary({ ce_time: 'noon' }) }),
      'no RFC 3339 time',
    ],
  ])('%s', async (what, sent, detail) => {
    const name = `unreadable ${what}`;
    await send(name, sent());
    const { headers } = await deadLetterOf(name);
    expect(headers).toMatchObject({ 'dlq-reason': 'rejected', 'dlq-consumer-group': 'intake' });
    expect(headers['dlq-detail']).toContain(detail);
    const next = `behind ${what}`;
    await send(name, { value: command(next) });
    await intake.eventsOf(next);
  });
});

describe('a record that can be read is taken, however it was sent', () => {
  test.each<[string, Partial<Sent>]>([
    ['without a key', { key: null }],
    ['with an empty key', { key: '' }],
    ['under another key than its reference', { key: 'somebody-else' }],
    ['with a timestamp of 1970', { timestamp: '0' }],
    ['with a timestamp of 2100', { timestamp: '4102444800000' }],
    [
      'with headers that nobody knows',
      { headers: { 'x-anything': 'x', 'content-type': 'application/cloudevents+protobuf' } },
    ],
  ])('%s', async (what, change) => {
    const reference = `readable ${what}`;
    const before = Date.now() - 60_000;
    await send(reference, { value: command(reference), ...change });
    const [submitted] = await intake.eventsOf(reference);
    expect(submitted).toMatchObject({ clock: 'wall', event: { type: 'SlipSubmitted' } });
    // The broker's own time counts, whatever the sender says.
    const receivedMs = Date.parse(submitted!.receivedTime);
    expect([receivedMs > before, receivedMs < Date.now() + 60_000]).toEqual([true, true]);
  });

  test.each<[string, keyof typeof CompressionCodecs, ((bytes: Buffer) => Buffer) | null]>([
    ['gzip', CompressionTypes.GZIP, null],
    ['Snappy', CompressionTypes.Snappy, literalSnappy],
    ['Zstandard', CompressionTypes.ZSTD, zstdCompressSync],
  ])('compressed with %s: the broker unpacks it', async (name, codec, compress) => {
    const absent = CompressionCodecs[codec];
    if (compress !== null) {
      CompressionCodecs[codec] = () => ({
        compress: async ({ buffer }: { buffer: Buffer }) => compress(buffer),
      });
    }
    await send(name, { value: command(name) }, codec);
    CompressionCodecs[codec] = absent;
    await intake.eventsOf(name);
  });

  test('of 1.2 MB is refused by the broker itself, and the next one flows', async () => {
    await expect(send('large', { value: Buffer.alloc(1_200_000) })).rejects.toThrow(/larger than the max/);
    await send('behind large', { value: command('behind large') });
    await intake.eventsOf('behind large');
  });

  test('twice under one id, once for another reference: the reference decides', async () => {
    const id = randomUUID();
    for (const reference of ['id-a', 'id-b', 'id-a'])
      await send(reference, { value: command(reference, {}, id) });
    await Promise.all([intake.eventsOf('id-a'), intake.eventsOf('id-b')]);
    await send('id-a', { value: command('id-mark') });
    await intake.eventsOf('id-mark');
    expect(
      intake.events.filter(({ event }) => 'reference' in event.data && event.data.reference === 'id-a'),
    ).toHaveLength(1);
  });
});
