import { createRequire } from 'node:module';

interface FetchedBatch {
  readonly topic: string;
  readonly fetchedOffset: string;
  readonly highWatermark: string;
  readonly rawMessages: readonly unknown[];
  isEmptyDueToFiltering(): boolean;
  lastOffset(): string;
}

const topics = new Set<string>();

/**
 * Compaction leaves empty record batches where an idempotent producer wrote last. kafkajs 2.2.4 takes such an answer
 * for "no data" and asks for the same offset for ever. For the topics named here it moves on by one offset: the
 * broker answered with a batch that covers the asked offset and holds no record, so none can be passed over. Only for
 * topics read uncommitted, where an empty answer below the high watermark means nothing else.
 */
export function stepOverEmptyBatches(topic: string): void {
  topics.add(topic);
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/batch') as {
  prototype: FetchedBatch;
};
const { isEmptyDueToFiltering, lastOffset } = prototype;

prototype.isEmptyDueToFiltering = function (this: FetchedBatch) {
  return isEmptyDueToFiltering.call(this) || isRemoved(this);
};

prototype.lastOffset = function (this: FetchedBatch) {
  return isRemoved(this) ? this.fetchedOffset : lastOffset.call(this);
};

function isRemoved(batch: FetchedBatch): boolean {
  if (batch.rawMessages.length > 0 || !topics.has(batch.topic)) return false;
  return BigInt(batch.fetchedOffset) < BigInt(batch.highWatermark);
}
