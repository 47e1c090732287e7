import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { allTopics, type Topic, topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { ConfigResourceTypes } from 'kafkajs';
import { createKafka } from './client.ts';
import { compareTopics, ensureTopics, lostTopics } from './topics.ts';

const environment = sharedEnvironment();
const named = (topic: Topic, partitions: number): Topic => ({
  ...topic,
  partitions,
  name: `spec-${randomUUID()}`,
});

describe('ensureTopics', () => {
  it('makes missing topics as declared, also when several services ask at once, and again', async () => {
    const kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'spec' });
    const wanted = [named(topics.commands, 3), named(topics.watermarks, 1), named(topics.events, 5)];
    const dlq = allTopics.find(({ name }) => name.endsWith('.dlq'))!;
    const letters = { ...named(dlq, 1), name: `spec-${randomUUID()}.dlq` };
    await Promise.all(
      [wanted, wanted.slice(1), wanted.toReversed()].map((list) => ensureTopics(kafka, list)),
    );
    await ensureTopics(kafka, [...wanted, letters]);
    const admin = kafka.admin();
    await admin.connect();
    try {
      const names = wanted.map(({ name }) => name);
      const metadata = await admin.fetchTopicMetadata({ topics: names });
      expect(metadata.topics.map(({ partitions }) => partitions.length).sort()).toEqual([1, 3, 5]);
      expect(await configOf(names[0]!)).toMatchObject({
        'message.timestamp.type': 'LogAppendTime',
        'retention.ms': '2592000000',
        'cleanup.policy': 'delete',
        'compression.type': 'uncompressed',
        'max.message.bytes': '131072',
        'retention.bytes': '-1',
      });
      expect(await configOf(names[1]!)).toMatchObject({ 'cleanup.policy': 'compact' });
      expect(await configOf(names[2]!)).toMatchObject({ 'retention.ms': '-1' });
      expect(await configOf(letters.name)).toMatchObject({ 'max.message.bytes': '2097152' });
      await admin.deleteTopics({ topics: [...names, letters.name] });
    } finally {
      await admin.disconnect();
    }

    async function configOf(name: string): Promise<Record<string, string>> {
      const resources = [{ type: ConfigResourceTypes.TOPIC, name }];
      const { resources: answers } = await admin.describeConfigs({ resources, includeSynonyms: false });
      return Object.fromEntries(
        answers[0]!.configEntries.map((entry) => [entry.configName, entry.configValue]),
      );
    }
  });

  it('refuses a topic with another number of partitions', async () => {
    const kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'spec' });
    const topic = named(topics.events, 2);
    await ensureTopics(kafka, [topic]);
    await expect(ensureTopics(kafka, [{ ...topic, partitions: 4 }])).rejects.toThrow(
      /has 2 partitions, expected 4/,
    );
  });

  it('refuses a topic that was made otherwise, and says how', async () => {
    const kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'spec' });
    const topic = named(topics.commands, 1);
    const admin = kafka.admin();
    await admin.connect();
    const configEntries = [{ name: 'retention.ms', value: '1000' }];
    await admin.createTopics({ topics: [{ topic: topic.name, numPartitions: 1, configEntries }] });
    await admin.disconnect();
    const refused = ensureTopics(kafka, [topic]);
    await expect(refused).rejects.toThrow(
      `${topic.name} has message.timestamp.type=CreateTime, wanted LogAppendTime; ` +
        `${topic.name} has compression.type=producer, wanted uncompressed; ` +
        `${topic.name} has retention.ms=1000, wanted at least 2592000000, or -1`,
    );
  });

  it('never makes anew what is kept for ever and was read or written before', async () => {
    const kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'spec' });
    const [events, commands] = [named(topics.events, 1), named(topics.commands, 1)];
    const known = new Set([events.name, commands.name]);
    await expect(ensureTopics(kafka, [events, commands], known)).rejects.toThrow(
      `${events.name} is kept for ever, and this service has read or written it, but it is gone: it is not made anew.`,
    );
    const admin = kafka.admin();
    await admin.connect();
    const existing = await admin.listTopics();
    await admin.disconnect();
    expect(existing.filter((name) => known.has(name))).toEqual([]);
    await ensureTopics(kafka, [events, commands]);
    await ensureTopics(kafka, [events, commands], known);
  });
});

describe('compareTopics', () => {
  it('names what is missing, has other partitions or other settings, and changes nothing', async () => {
    const kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'spec' });
    const [kept, moved, short, gone] = [1, 2, 1, 1].map((partitions) => named(topics.events, partitions));
    await ensureTopics(kafka, [kept!, moved!, { ...short!, retentionMs: 3_600_000 }]);
    const declared = [kept!, { ...moved!, partitions: 3 }, short!, gone!];
    const found = await compareTopics(kafka, declared);
    expect(found.missing).toEqual([gone]);
    expect(found.problems).toEqual([
      expect.stringContaining(`${moved!.name} has 2 partitions, expected 3`),
      expect.stringContaining(`${short!.name} has retention.ms=3600000, wanted -1`),
    ]);
    expect(await compareTopics(kafka, [kept!])).toEqual({ missing: [], problems: [] });
    // Beside others a topic that is kept for ever was lost; where nothing is, nothing was.
    expect(lostTopics(found, declared)).toEqual([gone]);
    expect(lostTopics({ missing: [gone!], problems: [] }, [gone!])).toEqual([]);
    const letters = { ...gone!, retentionMs: 3_600_000 };
    expect(lostTopics({ missing: [letters], problems: [] }, [kept!, letters])).toEqual([]);
  });
});
