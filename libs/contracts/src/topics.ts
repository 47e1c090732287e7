/** One Kafka topic. Partitions are fixed when it is made: a key never moves. */
export interface Topic {
  readonly name: string;
  readonly partitions: number;
  /** What the record key is. */
  readonly key: string;
  /** Who may write it. */
  readonly owner: string;
  /** How long records are kept, in milliseconds; -1 is for ever. */
  readonly retentionMs: number;
  readonly cleanup: 'delete' | 'compact';
  /** Who stamps the record: the broker's clock counts on inbound topics (rule 6). */
  readonly timestamp: 'CreateTime' | 'LogAppendTime';
  /** The largest batch of records that the broker takes into one partition, in bytes. */
  readonly batchBytesMax: number;
}

const day = 24 * 3_600_000;
const kib = 1024;

/** Kafka's own default, a little above 1 MiB: the relay sends many events in one batch. */
const batchBytesMaxDefault = 1_048_588;
/** Anybody may write to an inbound topic, and an event has at most 64 KiB: what is larger never gets in. */
const inboundBatchBytesMax = 128 * kib;
/** A dead letter is its original and the headers that say why: it must fit where the original just fitted. */
const deadLetterBytesMax = 2_048 * kib;

/** Every service's outbox is partitioned as `slips.events.v1` is, and so is this default. */
export const partitionsDefault = 12;

export const topics = {
  events: topic('slips.events.v1', { key: 'slip id', owner: 'every service, its own event types' }),
  ops: topic('ops.events.v1', {
    key: 'provider, incident, account, service or statement',
    owner: 'every service',
  }),
  commands: topic('slips.commands.v1', {
    key: 'the caller’s reference',
    owner: 'internal services',
    retentionMs: 30 * day,
    timestamp: 'LogAppendTime',
    batchBytesMax: inboundBatchBytesMax,
  }),
  results: topic('provider.results.v1', {
    key: 'the caller’s reference',
    owner: 'internal services',
    retentionMs: 30 * day,
    timestamp: 'LogAppendTime',
    batchBytesMax: inboundBatchBytesMax,
  }),
  checkpoints: topic('ledger.checkpoints.v1', { key: 'ledger', owner: 'ledger', partitions: 1 }),
  watermarks: topic('slips.watermarks.v1', {
    key: 'source and clock',
    owner: 'every service, its own source',
    partitions: 1,
    cleanup: 'compact',
    // Beside the reading in the tick it tells how far a database's clock is off.
    timestamp: 'LogAppendTime',
  }),
} as const;

/** Every topic the system makes at start, dead letters included. */
export const allTopics: readonly Topic[] = [
  ...Object.values(topics),
  ...[topics.events, topics.commands, topics.results].map((source) =>
    topic(deadLetterTopic(source.name), {
      key: `as ${source.name}`,
      owner: `consumers of ${source.name}`,
      retentionMs: 30 * day,
      batchBytesMax: deadLetterBytesMax,
    }),
  ),
];

const byName = new Map(allTopics.map((one) => [one.name, one]));

/** The largest batch that a partition of the topic takes, in bytes; Kafka's default for a topic that is not ours. */
export function batchBytesMaxOf(topic: string): number {
  return byName.get(topic)?.batchBytesMax ?? batchBytesMaxDefault;
}

/** How many partitions the topic has; null for a topic that is not ours. */
export function partitionsOf(topic: string): number | null {
  return byName.get(topic)?.partitions ?? null;
}

/** Where the dead letters of a topic go (rule 9). */
export function deadLetterTopic(name: string): string {
  return `${name}.dlq`;
}

function topic(name: string, rest: Pick<Topic, 'key' | 'owner'> & Partial<Topic>): Topic {
  return {
    name,
    partitions: partitionsDefault,
    retentionMs: -1,
    cleanup: 'delete',
    timestamp: 'CreateTime',
    batchBytesMax: batchBytesMaxDefault,
    ...rest,
  };
}
