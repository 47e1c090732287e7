import type { Admin, Consumer, Kafka } from 'kafkajs';
import { readLogBounds } from './log-bounds.ts';
import { readTopicId } from './topic-id.ts';

/** What a partition asks of the fetching client. */
export interface FetchControl {
  /** Never throws. */
  pause(partition: number): void;
  resume(partition: number): void;
  seek(partition: number, offset: number): void;
  /** The first offset the log still has. */
  logStart(partition: number): Promise<number>;
  /** What tells the topic from one of the same name that was made anew; null when the broker does not say. */
  topicId(): Promise<string | null>;
}

/** One answer of the broker for one partition. */
export interface Fetched {
  /** Record batches in the clear; the first may begin below the offset that was asked for. */
  readonly batches: readonly Buffer[];
  readonly fetchedOffset: number;
  /** The last that the answer covers, whether there is a record at it or not. */
  readonly lastOffset: number;
  readonly highWatermark: number;
  /** Tells the client where to fetch next. */
  resolve(offset: number): void;
  /** False when the batch must end here: drained, reassigned or asked to fetch elsewhere. */
  goOn(): Promise<boolean>;
}

export function fetchControl(kafka: Kafka, consumer: Consumer, admin: Admin, topic: string): FetchControl {
  const at = (partition: number) => [{ topic, partitions: [partition] }];
  return {
    pause: (partition) => {
      try {
        consumer.pause(at(partition));
      } catch {
        // No group at this moment, between a crash and its restart: nothing is fetched anyway.
      }
    },
    resume: (partition) => consumer.resume(at(partition)),
    seek: (partition, offset) => consumer.seek({ topic, partition, offset: String(offset) }),
    logStart: async (partition) => (await readLogBounds(admin, topic)).get(partition)?.start ?? 0,
    topicId: () => readTopicId(kafka, topic),
  };
}
