import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { waitFor } from '@slipstream/testing';
import { createKafka } from './client.ts';
import { LongPolls } from './long-polls.ts';
import { SerialProducer } from './producer.ts';
import { Rig, until } from './test-support/rig.ts';
import { ensureTopics } from './topics.ts';

const environment = sharedEnvironment();

test('a consumer that waits for records gets them at once, and stops without its fetch being answered', async () => {
  const warnings: string[] = [];
  const log = {
    info: () => {},
    warn: (said: string) => warnings.push(said),
    error: (said: string) => warnings.push(said),
  };
  const kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'long-polls', log });
  const topic = `long-polls-${randomUUID()}`;
  await ensureTopics(kafka, [{ ...topics.events, name: topic, partitions: 2 }]);
  const waits = { shortMs: 8_000, quietMs: 8_000, pauseMs: () => 0 };
  const polls = new LongPolls(waits);
  const consumer = kafka.consumer({
    groupId: topic,
    maxWaitTimeInMs: 8_000,
    partitionAssigners: [polls.assigner],
  });
  let [begun, ended, crashed] = [0, 0, 0];
  consumer.on(consumer.events.FETCH_START, () => void begun++);
  consumer.on(consumer.events.FETCH, () => void ended++);
  consumer.on(consumer.events.CRASH, () => void crashed++);
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void values.push(String(message.value)) });
  await waitFor(() => begun === 1, { what: 'the first fetch' });
  const producer = new SerialProducer(kafka);
  await producer.start();
  await producer.sendBatch([{ topic, partition: 0, key: 'k', value: Buffer.from('one') }]);
  await waitFor(() => values.length === 1 && begun === ended + 1, { what: 'the record, and the next fetch' });
  const answered = ended;
  // A new broker's coordinator may take a moment to load.
  crashed = warnings.length = 0;
  await polls.giveUpUntil(consumer.disconnect());
  expect(ended).toBe(answered);
  expect([crashed, warnings]).toEqual([0, []]);
  await producer.stop();
});

// Whose turn it is stands in `long-polls.spec.ts`: what the broker puts into an answer is its own affair.
test('a backlog is fetched of all partitions, though an answer holds what few of them have', async () => {
  const [partitions, sends, records] = [6, 25, 10];
  const rig = await new Rig(environment().kafkaBrokers).start(partitions);
  try {
    // A send is a batch of some kilobytes: what an answer is made of.
    for (let sent = 0; sent < sends; sent++)
      for (let partition = 0; partition < partitions; partition++) await rig.events(partition, records);
    const all = sends * records;
    const { store } = await rig.member({
      fetches: { partitionBytesMax: 4_096, fetchBytesMax: 8_192, waitingBytesMax: 8_192 },
    });
    await until(() => store.effects.length === partitions * all, 'all of it');
    const wanted = Array.from({ length: partitions }, (_, partition) =>
      Array.from({ length: all }, (_, offset) => `${partition}:${offset}`),
    ).flat();
    expect([...store.effects].sort()).toEqual(wanted.sort());
  } finally {
    await rig.stop();
  }
}, 60_000);
