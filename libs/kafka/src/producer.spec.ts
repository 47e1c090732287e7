import { expect, test } from '@jest/globals';
import type { KafkaClient } from './client.ts';
import { SendFailed, SerialProducer } from './producer.ts';

/** kafkajs whose producers acknowledge only these partitions, whatever is sent. */
function acknowledging(...partitions: number[]) {
  const producers = { made: 0, disconnected: 0 };
  const producer = () => {
    producers.made++;
    return {
      connect: async () => {},
      disconnect: async () => {
        producers.disconnected++;
      },
      sendBatch: async () =>
        partitions.map((partition) => ({ topicName: 't', partition, baseOffset: '5', errorCode: 0 })),
    };
  };
  return { kafka: { producer } as unknown as KafkaClient, producers };
}

const to = (...partitions: number[]) =>
  partitions.map((partition) => ({ topic: 't', partition, key: null, value: Buffer.from('v') }));
const quiet = { log: { info() {}, warn() {}, error() {} } };

test('a partition that the answer leaves out has failed, and the producer is replaced', async () => {
  const { kafka, producers } = acknowledging(1);
  const producer = new SerialProducer(kafka, quiet);
  const sending = producer.sendBatch(to(0, 1));
  await expect(sending).rejects.toThrow(SendFailed);
  await expect(sending).rejects.toMatchObject({
    retryable: true,
    message: 'no broker acknowledged what was sent to t partition 0',
    acknowledged: new Map([['t:1', 5n]]),
  });
  expect(await producer.sendBatch(to(1))).toEqual(new Map([['t:1', 5n]]));
  expect(producers).toEqual({ made: 2, disconnected: 1 });
  await producer.stop();
});
