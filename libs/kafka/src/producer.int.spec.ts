import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { seededRandom } from '@slipstream/kernel';
import { SendFailed, SerialProducer } from './producer.ts';
import { Rig, until } from './test-support/rig.ts';

const environment = sharedEnvironment();
let rig: Rig;

beforeEach(() => {
  rig = new Rig(environment().kafkaBrokers);
});
afterEach(() => rig.stop());

const texts = (partition: number, values: readonly (string | number)[]) =>
  values.map((value) => rig.record(partition, Buffer.from(String(value))));

/** Every value of a partition, in log order. */
async function logOf(partition: number): Promise<string[]> {
  const end = Number((await rig.admin.fetchTopicOffsets(rig.topic))[partition]!.high);
  const consumer = rig.kafka.consumer({ groupId: `${rig.topic}-log`, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topics: [rig.topic], fromBeginning: true });
  const values: string[] = [];
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition: from, message }) => {
      if (from === partition) values.push(message.value!.toString());
    },
  });
  await until(() => values.length >= end, 'the log read');
  await consumer.disconnect();
  return values;
}

describe('SerialProducer', () => {
  it('gives the first offset of each partition and keeps the order of concurrent callers', async () => {
    await rig.start(2);
    const at = (partition: number) => `${rig.topic}:${partition}`;
    const calls = [
      rig.producer.sendBatch([...texts(0, [0, 1, 2]), ...texts(1, [0])]),
      rig.producer.sendBatch(texts(1, [1, 2])),
      rig.producer.sendBatch([...texts(1, [3]), ...texts(0, [3]), ...texts(1, [4])]),
      rig.producer.sendBatch([]),
    ];
    const offsets = (await Promise.all(calls)).map((call) => Object.fromEntries(call));
    expect(offsets).toEqual([
      { [at(0)]: 0n, [at(1)]: 0n },
      { [at(1)]: 1n },
      { [at(0)]: 3n, [at(1)]: 3n },
      {},
    ]);
    expect(await logOf(1)).toEqual(['0', '1', '2', '3', '4']);
  });

  it('splits what one request cannot take, in order', async () => {
    await rig.start();
    const big = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(60_000, '.'));
    expect((await rig.producer.sendBatch(texts(0, big))).get(`${rig.topic}:0`)).toBe(0n);
    expect(await logOf(0)).toEqual(big);
  });

  it('loses and doubles nothing of its own when connections break under it', async () => {
    await rig.start();
    const random = seededRandom(20_261_122);
    const sockets = new Set<net.Socket>();
    let connections = 0;
    const connect = net.connect;
    net.connect = ((...args: Parameters<typeof connect>) => {
      const socket = connect(...args);
      sockets.add(socket);
      connections++;
      return socket;
    }) as typeof connect;
    const reset = () => {
      const error = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
      for (const socket of sockets) socket.destroy(error);
      sockets.clear();
    };
    const resent = new Set<string>();
    try {
      for (let call = 0; call < 60; call++) {
        const values = [0, 1, 2].map((i) => `${call}.${i}`);
        const sending = rig.producer.sendBatch(texts(0, values));
        if (random.next() < 0.3) setTimeout(reset, random.next() * 4);
        await sending.catch(async (error) => {
          expect(error).toBeInstanceOf(SendFailed);
          for (const value of values) resent.add(value);
          await rig.producer.sendBatch(texts(0, values));
        });
      }
    } finally {
      net.connect = connect;
    }
    expect(connections).toBeGreaterThan(5);
    const log = await logOf(0);
    const wanted = Array.from({ length: 180 }, (_, i) => `${Math.floor(i / 3)}.${i % 3}`);
    expect([...new Set(log)]).toEqual(wanted);
    const doubled = log.filter((value, i) => log.indexOf(value) !== i);
    expect(doubled.filter((value) => !resent.has(value))).toEqual([]);
  });

  it('refuses a record that the broker will never take, and goes on', async () => {
    await rig.start();
    const failure = rig.producer.sendBatch([rig.record(0, Buffer.alloc(1_200_000))]);
    await expect(failure).rejects.toMatchObject({ name: 'SendFailed', retryable: false, tooLarge: true });
    await rig.producer.sendBatch(texts(0, ['next']));
    expect(await logOf(0)).toEqual(['next']);
  });

  it('limits the calls that wait', async () => {
    await rig.start();
    const producer = new SerialProducer(rig.kafka, { queueMax: 2 });
    const calls = [1, 2, 3].map((value) => producer.sendBatch(texts(0, [value])));
    const results = await Promise.allSettled(calls);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    await producer.stop();
  });

  it('sends what it accepted before it stops, and nothing after', async () => {
    await rig.start();
    const sending = rig.producer.sendBatch(texts(0, ['last']));
    await rig.producer.stop();
    await sending;
    await expect(rig.producer.sendBatch(texts(0, ['late']))).rejects.toThrow('the producer is stopped');
    expect(await logOf(0)).toEqual(['last']);
  });
});
