import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { SlipstreamError } from '@slipstream/kernel';
import { CompressionTypes } from 'kafkajs';
import { type Batch, RecordRejected } from './ports.ts';
import type { MemoryStore, MemoryTx } from './test-support/memory-store.ts';
import { eventBytes } from './test-support/records.ts';
import { Rig, recordOffsets, until } from './test-support/rig.ts';

const environment = sharedEnvironment();
let rig: Rig;

beforeEach(() => {
  rig = new Rig(environment().kafkaBrokers);
});
afterEach(() => rig.stop());

const reached = (store: MemoryStore, partition = 0) =>
  store.stored(rig.group, rig.topic, partition).nextOffset;
const letters = (store: MemoryStore) =>
  store.deadLetters.map(({ reason, record }) => `${reason} ${record.offset}`);

function failingAt(offset: number, error: () => unknown) {
  return async (tx: MemoryTx, batch: Batch) => {
    await recordOffsets(tx, batch);
    if (batch.records.some((record) => record.offset === offset)) throw error();
  };
}

describe('a record that cannot be handled', () => {
  it.each([
    ['no value', null],
    ['an empty value', Buffer.alloc(0)],
    ['bytes that are no event', Buffer.from('not json')],
    ['a JSON array', Buffer.from('[1,2,3]')],
    ['another protobuf message', Buffer.from([0x08, 0x96, 0x01])],
    ['a truncated event', eventBytes(2).subarray(0, 40)],
  ])('is set aside at once when it has %s; its key waits, the others pass', async (_, value) => {
    await rig.start();
    await rig.producer.sendBatch([
      rig.record(0, eventBytes(1, { key: 'a' }), 'a'),
      rig.record(0, value, 'b'),
      rig.record(0, eventBytes(2, { key: 'b' }), 'b'),
      rig.record(0, eventBytes(3, { key: 'c' }), 'c'),
    ]);
    const { store, fatal } = await rig.member();
    await until(() => reached(store) === 4, 'all seen');
    expect(store.effects).toEqual(['0:0', '0:3']);
    expect(letters(store)).toEqual(['undecodable 1', 'parked_behind 2']);
    expect(fatal).toEqual([]);
  });

  it('may have an odd timestamp, header or codec without harm; with a key that is not its slip it is set aside', async () => {
    await rig.start(1, { 'compression.type': 'producer' });
    const producer = rig.kafka.producer();
    await producer.connect();
    const send = (sequence: number, rest: object, compression = CompressionTypes.None) =>
      producer.send({ topic: rig.topic, compression, messages: [{ value: eventBytes(sequence), ...rest }] });
    await send(1, { key: null });
    await send(2, { key: '' });
    await send(3, { key: Buffer.from([0xff, 0x00]) });
    await send(4, { key: 'slip-2', value: eventBytes(4, { key: 'slip-2' }), timestamp: '1' });
    const headers = { twice: ['1', '2'], empty: '' };
    await send(5, { key: 'slip-2', value: eventBytes(5, { key: 'slip-2' }), headers }, CompressionTypes.GZIP);
    await producer.disconnect();
    const { store } = await rig.member();
    await until(() => reached(store) === 5, 'all seen');
    expect(store.effects).toEqual(['0:3', '0:4']);
    expect(store.deadLetters.map(({ errorClass, parkKey }) => [errorClass, parkKey])).toEqual(
      Array(3).fill(['misplaced', 'slip-1']),
    );
  });

  it('passes over aborted transactions and control records', async () => {
    await rig.start();
    const producer = rig.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      transactionalId: rig.topic,
    });
    await producer.connect();
    const send = async (sequence: number, end: 'commit' | 'abort') => {
      const transaction = await producer.transaction();
      await transaction.send({
        topic: rig.topic,
        messages: [{ key: 'slip-1', value: eventBytes(sequence) }],
      });
      await transaction[end]();
    };
    await send(1, 'abort');
    await send(1, 'commit');
    await send(2, 'abort');
    await send(2, 'abort');
    await send(2, 'commit');
    await producer.disconnect();
    const { store, stopped } = await rig.member({ options: { partitionBytesMax: 1 } });
    await until(() => store.effects.length === 2, 'the committed ones handled');
    // Others wait until everything before the end was seen, the markers too.
    const end = Number((await rig.admin.fetchTopicOffsets(rig.topic))[0]!.high);
    await until(() => reached(store) === end, 'the stored offset at the end of the log');
    expect(store.effects).toHaveLength(2);
    expect(stopped).toEqual([]);
  });

  it('is dead-lettered when the handler rejects it, and the batch runs again without it', async () => {
    await rig.start();
    await rig.events(0, 6, (i) => `slip-${i % 3}`);
    const { store } = await rig.member({
      async handle(tx, batch) {
        await recordOffsets(tx, batch);
        const bad = batch.records.find(({ offset }) => offset === 1);
        if (bad) throw new RecordRejected(bad, 'key is not the slip of the payload');
      },
    });
    await until(() => reached(store) === 6, 'all seen');
    expect(store.effects).toEqual(['0:0', '0:2', '0:3', '0:5']);
    expect(letters(store)).toEqual(['rejected 1', 'parked_behind 4']);
    expect(store.deadLetters[0]).toMatchObject({
      parkKey: 'slip-1',
      errorClass: 'RecordRejected',
      attempts: 1,
    });
  });

  it('is found, tried three times and dead-lettered when the handler has a bug', async () => {
    await rig.start();
    await rig.events(0, 8, (i) => `slip-${i % 4}`);
    const { store, fatal } = await rig.member({
      handle: failingAt(2, () => new TypeError('x is undefined')),
    });
    await until(() => reached(store) === 8, 'all seen');
    expect(store.effects).toEqual(['0:0', '0:1', '0:3', '0:4', '0:5', '0:7']);
    expect(letters(store)).toEqual(['failed 2', 'parked_behind 6']);
    expect(store.deadLetters[0]).toMatchObject({
      errorClass: 'TypeError',
      detail: 'x is undefined',
      attempts: 3,
    });
    expect(fatal).toEqual([]);
    await rig.events(0, 4, (i) => `slip-${i}`);
    await until(() => reached(store) === 12, 'later ones seen');
    expect(letters(store).slice(2)).toEqual(['parked_behind 10']);
  });

  it.each([['text'], [undefined], [null], [{ status: 'error' }]])(
    'survives a handler that throws %p',
    async (thrown) => {
      await rig.start();
      await rig.events(0, 3);
      const { store, fatal } = await rig.member({ handle: failingAt(1, () => thrown) });
      await until(() => reached(store) === 3, 'all seen');
      expect(letters(store)).toEqual(['failed 1']);
      expect(fatal).toEqual([]);
    },
  );

  it('is dead-lettered at its first failure when the handler cannot decode it', async () => {
    await rig.start();
    await rig.events(0, 3);
    const error = () => new SlipstreamError('undecodable_record', 'event type x is not known');
    const { store } = await rig.member({ sequenced: false, handle: failingAt(1, error) });
    await until(() => reached(store) === 3, 'all seen');
    expect(letters(store)).toEqual(['undecodable 1']);
    expect(store.deadLetters[0]).toMatchObject({ attempts: 1 });
  });

  it('does not make a broken handler dead-letter more than its own records', async () => {
    await rig.start();
    await rig.events(0, 40, (i) => `slip-${i}`);
    const { store } = await rig.member({
      async handle(tx, batch) {
        await recordOffsets(tx, batch);
        const bad = batch.records.find(({ offset }) => offset % 2 === 1);
        if (bad) throw new RecordRejected(bad, 'odd');
      },
    });
    await until(() => reached(store) === 40, 'all seen');
    expect(store.effects).toHaveLength(20);
    expect(store.deadLetters).toHaveLength(20);
  });
});
