import type { KafkaClient } from './client.ts';
import { type Cluster, type FetchedMessage, withCluster } from './cluster.ts';
import { EventWalk } from './event-walk.ts';
import { type LogBounds, readLogBounds } from './log-bounds.ts';
import { withRawBatches } from './raw-batches.ts';

/** Told of each record of the tail, in the order of its partition. The walk stands at it, and moves on afterwards. */
export type OnTailRecord = (partition: number, record: EventWalk) => void;

const partitionBytesMax = 1024 * 1024;
const requestBytesMax = 8 * partitionBytesMax;
const waitMsMax = 100;
/** Answers in a row without any record, though there are some. */
const emptyAnswersMax = 50;

/**
 * Reads what lies in the log from the given offsets to its present end, once and without a consumer group: joining one
 * takes seconds, and leaves it behind.
 * @returns the log's bounds when the reading began; offsets outside of them are taken for the nearest
 * @throws Error also when a partition's leader moves meanwhile: read again
 */
export async function readTail(
  kafka: KafkaClient,
  topic: string,
  from: ReadonlyMap<number, number>,
  onRecord: OnTailRecord,
): Promise<ReadonlyMap<number, LogBounds>> {
  const bounds = await boundsOf(kafka, topic);
  const wanted = new Map<number, Span>();
  for (const [partition, offset] of from) {
    const { start, end } = boundsIn(bounds, topic, partition);
    if (offset < end) wanted.set(partition, { next: Math.max(offset, start), end });
  }
  if (wanted.size === 0) return bounds;
  await withCluster(withRawBatches(kafka), async (cluster) => {
    await cluster.addTargetTopic(topic);
    await readAll(cluster, topic, wanted, onRecord);
  });
  return bounds;
}

interface Span {
  next: number;
  readonly end: number;
}

async function boundsOf(kafka: KafkaClient, topic: string): Promise<ReadonlyMap<number, LogBounds>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await readLogBounds(admin, topic);
  } finally {
    await admin.disconnect();
  }
}

function boundsIn(bounds: ReadonlyMap<number, LogBounds>, topic: string, partition: number): LogBounds {
  const found = bounds.get(partition);
  if (!found) throw new Error(`${topic} has no partition ${partition}`);
  return found;
}

async function readAll(
  cluster: Cluster,
  topic: string,
  wanted: Map<number, Span>,
  onRecord: OnTailRecord,
): Promise<void> {
  const walk = new EventWalk();
  for (let emptyAnswers = 0; wanted.size > 0; emptyAnswers++) {
    if (emptyAnswers > emptyAnswersMax) throw new Error(`${topic} gives no records, though it has some`);
    for (const [nodeId, partitions] of Object.entries(
      cluster.findLeaderForPartitions(topic, [...wanted.keys()]),
    )) {
      const broker = await cluster.findBroker({ nodeId });
      const { responses } = await broker.fetch({
        replicaId: -1,
        isolationLevel: 1,
        maxWaitTime: waitMsMax,
        minBytes: 1,
        maxBytes: requestBytesMax,
        topics: [{ topic, partitions: partitions.map((partition) => request(partition, wanted)) }],
      });
      for (const { partition, messages } of responses.flatMap((one) => one.partitions)) {
        if (messages.length > 0) emptyAnswers = 0;
        take(partition, messages, wanted, walk, onRecord);
      }
    }
  }
}

function request(partition: number, wanted: ReadonlyMap<number, Span>) {
  const fetchOffset = String(wanted.get(partition)!.next);
  return { partition, fetchOffset, maxBytes: partitionBytesMax };
}

/** A fetch gives whole batches, so the first records may lie before what was asked for. */
function take(
  partition: number,
  batches: readonly FetchedMessage[],
  wanted: Map<number, Span>,
  walk: EventWalk,
  onRecord: OnTailRecord,
): void {
  const span = wanted.get(partition);
  if (!span) return;
  for (const { offset, value, isControlRecord } of batches) {
    if (!isControlRecord) {
      walk.batch(value!);
      while (walk.next()) if (walk.offset >= span.next && walk.offset < span.end) onRecord(partition, walk);
    }
    span.next = Math.max(span.next, Number(offset) + 1);
  }
  if (span.next >= span.end) wanted.delete(partition);
}
