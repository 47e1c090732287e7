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
}

const day = 24 * 3_600_000;

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
  }),
  results: topic('provider.results.v1', {
    key: 'the caller’s reference',
    owner: 'internal services',
    retentionMs: 30 * day,
    timestamp: 'LogAppendTime',
  }),
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
    }),
  ),
];

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
    ...rest,
  };
}
