import type { Topic } from '@slipstream/contracts';

export function replicasOf(brokers: number): number {
  return Math.min(3, brokers);
}

/** Whether a record of the topic must never go away. */
export function isKeptForEver(topic: Topic): boolean {
  return topic.cleanup === 'delete' && topic.retentionMs < 0;
}

/** Kafka's settings of a topic that is made. */
export function settingsOf(topic: Topic, brokers: number): Record<string, string> {
  const settings: Record<string, string> = {
    'cleanup.policy': topic.cleanup,
    'message.timestamp.type': topic.timestamp,
    'min.insync.replicas': String(Math.max(1, replicasOf(brokers) - 1)),
    // The broker unpacks what others compressed: kafkajs stops for good at a codec it lacks (K13).
    'compression.type': 'uncompressed',
    'max.message.bytes': String(topic.batchBytesMax),
  };
  if (topic.cleanup === 'delete') {
    return { ...settings, 'retention.ms': String(topic.retentionMs), 'retention.bytes': '-1' };
  }
  // Ticks replace each other many times a second: keep the log that a new reader must pass short.
  return { ...settings, 'segment.ms': '600000', 'min.cleanable.dirty.ratio': '0.1' };
}

/** How one setting is wrong for us: what must hold, and why it matters. */
interface Rule {
  readonly key: string;
  readonly wanted: string;
  readonly holds: (found: string) => boolean;
}

/** What of a topic that exists is not as it must be, each with topic, key, found and wanted. */
export function settingProblems(topic: Topic, found: ReadonlyMap<string, string | null>): string[] {
  return rulesOf(topic).flatMap(({ key, wanted, holds }) => {
    const value = found.get(key);
    if (value === undefined || value === null || holds(value)) return [];
    return [`${topic.name} has ${key}=${value}, wanted ${wanted}`];
  });
}

function rulesOf(topic: Topic): Rule[] {
  const exactly = (key: string, wanted: string): Rule => ({
    key,
    wanted,
    holds: (found) => found === wanted,
  });
  const atLeast = (key: string, least: number): Rule => ({
    key,
    wanted: `at least ${least}`,
    holds: (found) => Number(found) >= least,
  });
  const rules = [
    exactly('cleanup.policy', topic.cleanup),
    exactly('message.timestamp.type', topic.timestamp),
    exactly('compression.type', 'uncompressed'),
    // A larger one is harmless: consumers bound what they take of a record.
    atLeast('max.message.bytes', topic.batchBytesMax),
  ];
  if (topic.cleanup === 'compact') return rules;
  // Whatever is deleted by size may not have been read yet.
  rules.push(exactly('retention.bytes', '-1'));
  if (isKeptForEver(topic)) return [...rules, exactly('retention.ms', '-1')];
  const wanted = `at least ${topic.retentionMs}, or -1`;
  const holds = (found: string) => found === '-1' || Number(found) >= topic.retentionMs;
  return [...rules, { key: 'retention.ms', wanted, holds }];
}
