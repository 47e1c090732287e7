import { peekEnvelope } from '@slipstream/contracts';
import { digestOf, type KafkaClient, LogReader, readLogBounds, readTopicId } from '@slipstream/kafka';
import { isSlipstreamError, SlipstreamError } from '@slipstream/kernel';
import type { StoppedPartition, StoppedPartitions, StoppedPlace } from '@slipstream/postgres';
import type { Who } from './dead-letter-desk.ts';

/** The record at an offset, as far as it can be read. */
interface RecordThere {
  readonly offset: number;
  readonly source: string;
  readonly sequence: number;
  readonly incarnation: number;
  /** CRC-32 of its bytes, in hex, as that of the last one that was read. */
  readonly digest: string;
}

/** What stands in the log now. */
interface LogNow {
  readonly topicIdNow: string | null;
  readonly logStart: number;
  readonly logEnd: number;
}

/** A partition that stopped: what was read of it, and what stands in the log now. */
type ShownPartition = StoppedPartition & { readonly [Key in keyof LogNow]: LogNow[Key] | null } & {
  /** Where it stopped; null outside the log, and for what is no event. */
  readonly record: RecordThere | null;
  /** Why nothing is known of the log; null: it was read. */
  readonly unread: string | null;
};

/** What people can see of a service's stopped partitions, and do about them. */
export interface PartitionDesk {
  list(): Promise<readonly ShownPartition[]>;
  /** @throws SlipstreamError not_found, validation_failed, conflict */
  goOn(place: Omit<StoppedPlace, 'group'>, offset: number, by: Who): Promise<{ readonly id: string }>;
}

export interface PartitionDeskParts {
  readonly kafka: KafkaClient;
  readonly stops: Pick<StoppedPartitions, 'list' | 'goOn'>;
  newId(): string;
  /** Every decision is a line in the log, beside its row. */
  readonly log: (message: string, fields: object) => void;
}

export function partitionDesk({ kafka, stops, newId, log }: PartitionDeskParts): PartitionDesk {
  return {
    async list() {
      const stopped = await stops.list();
      const found: ShownPartition[] = [];
      for (const [topic, ones] of Map.groupBy(stopped, (one) => one.topic))
        found.push(...(await withLog(kafka, topic, (log) => showAll(log, ones))));
      return found;
    },
    async goOn({ topic, partition }, offset, { by, reason }) {
      const stopped = (await stops.list()).find((one) => one.topic === topic && one.partition === partition);
      if (!stopped) throw new SlipstreamError('not_found', 'This partition has not stopped.');
      const id = newId();
      await withLog(kafka, topic, async (there) => {
        const { logStart, logEnd, topicIdNow: topicId } = await there.now(partition);
        if (offset < logStart || offset > logEnd) {
          throw new SlipstreamError('conflict', `The log has the offsets ${logStart} to ${logEnd}.`);
        }
        const record = await there.recordAt(partition, offset);
        await stops.goOn(stopped, { id, by, reason, offset, topicId, logEnd, record });
      });
      log('a stopped partition was let go on', {
        id,
        topic,
        partition,
        from: stopped.nextOffset,
        offset,
        by,
        reason,
      });
      return { id };
    },
  };
}

/** What the database knows is shown whatever becomes of the log: it may be what is gone. */
async function showAll(log: ThereNow, stopped: readonly StoppedPartition[]): Promise<ShownPartition[]> {
  const shown: ShownPartition[] = [];
  for (const one of stopped) {
    try {
      const now = await log.now(one.partition);
      const record = await log.recordAt(one.partition, one.nextOffset);
      shown.push({ ...one, ...now, record, unread: null });
    } catch (error) {
      const unread = error instanceof Error ? error.message : String(error);
      shown.push({ ...one, topicIdNow: null, logStart: null, logEnd: null, record: null, unread });
    }
  }
  return shown;
}

/** Of one topic; each question is asked of the brokers once. */
interface ThereNow {
  /** @throws SlipstreamError not_found, and whatever the client throws while brokers are away */
  now(partition: number): Promise<LogNow>;
  /** Null outside the log, and for what is no event of ours. */
  recordAt(partition: number, offset: number): Promise<RecordThere | null>;
}

async function withLog<T>(
  kafka: KafkaClient,
  topic: string,
  work: (log: ThereNow) => Promise<T>,
): Promise<T> {
  const admin = kafka.admin();
  const reader = new LogReader(kafka, topic);
  const asked = once(async () => {
    await admin.connect();
    return { bounds: await readLogBounds(admin, topic), topicIdNow: await readTopicId(kafka, topic) };
  });
  const now = async (partition: number) => {
    const { bounds, topicIdNow } = await asked();
    const own = bounds.get(partition);
    if (!own) throw new SlipstreamError('not_found', `The topic ${topic} has no partition ${partition}.`);
    return { logStart: own.start, logEnd: own.end, topicIdNow };
  };
  const recordAt = async (partition: number, offset: number) => {
    const { logStart, logEnd } = await now(partition);
    if (offset < logStart || offset >= logEnd) return null;
    const value = (await reader.values(partition, [offset])).get(offset);
    return value ? toRecord(offset, value) : null;
  };
  try {
    return await work({ now, recordAt });
  } finally {
    await reader.stop();
    await admin.disconnect();
  }
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | null = null;
  return () => (asked ??= ask());
}

function toRecord(offset: number, value: Buffer): RecordThere | null {
  try {
    const { source, sequence, incarnation } = peekEnvelope(value);
    if (sequence < 1) return null;
    return { offset, source, sequence, incarnation, digest: digestOf(value).toString(16).padStart(8, '0') };
  } catch (error) {
    // An inbound record need be no event of ours: then there is no number to go on from.
    if (isSlipstreamError(error) && error.code === 'undecodable_record') return null;
    throw error;
  }
}
