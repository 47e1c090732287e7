import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { createKafka, ensureTopics, LogReader } from '@slipstream/kafka';
import { EndOffsets } from './end-offsets.ts';

const environment = sharedEnvironment();

test('what lies in an open transaction was received: the end is behind it, though nobody can read it yet', async () => {
  const kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'end-offsets-spec' });
  const name = `end-offsets-spec-${randomUUID()}`;
  await ensureTopics(kafka, [{ ...topics.results, name, partitions: 2 }]);
  const ends = new EndOffsets(kafka);
  const reader = new LogReader(kafka, name);
  const producer = kafka.producer({ transactionalId: name, maxInFlightRequests: 1, idempotent: true });
  await Promise.all([ends.start(), producer.connect()]);
  try {
    const transaction = await producer.transaction();
    await transaction.send({ topic: name, messages: [{ partition: 1, value: 'a result' }] });
    // Only what follows it is committed by itself, and waits behind it.
    const other = kafka.producer();
    await other.connect();
    await other.send({ topic: name, messages: [{ partition: 1, value: 'another' }] });
    await other.disconnect();
    expect(await ends.of(name)).toEqual(new Map([[1, 2]]));
    await expect(reader.values(1, [1])).rejects.toMatchObject({ code: 'unavailable' });
    await transaction.commit();
    expect((await reader.values(1, [1])).get(1)?.toString()).toBe('another');
    // The marker that ends the transaction has an offset, too.
    expect(await ends.of(name)).toEqual(new Map([[1, 3]]));
  } finally {
    await Promise.all([ends.stop(), reader.stop(), producer.disconnect()]);
  }
});
