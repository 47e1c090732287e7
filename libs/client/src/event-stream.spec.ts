import { expect, it } from '@jest/globals';
import type { KafkaClient } from '@slipstream/kafka';
import { startEventStream } from './event-stream.ts';

it('leaves no connection open when the stream cannot be started', async () => {
  const open = new Set<string>();
  const connection = (name: string) => ({
    connect: async () => void open.add(name),
    disconnect: async () => void open.delete(name),
  });
  const kafka = {
    admin: () => ({ ...connection('admin'), deleteGroups: async () => {} }),
    consumer: () => ({
      ...connection('consumer'),
      events: { CRASH: 'consumer.crash' },
      on() {},
      async subscribe() {
        throw new Error('no such topic');
      },
    }),
  } as unknown as KafkaClient;
  const started = startEventStream(kafka, { fromBeginning: true, onBatch: () => {} });
  await expect(started).rejects.toThrow('no such topic');
  expect([...open]).toEqual([]);
});
