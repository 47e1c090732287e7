import { crc32 } from 'node:zlib';
import { peekEnvelope } from '@slipstream/contracts';
import { type KafkaClient, LogReader, readLogBounds, readTopicId } from '@slipstream/kafka';
import { SlipstreamError } from '@slipstream/kernel';
import type { StoppedPartition, StoppedPartitions, StoppedPlace } from '@slipstream/postgres';
import type { Who } from './dead-letter-desk.ts';

/** The record at an offset, as far as it can be read. */
export interface RecordThere {
  readonly offset: number;
  readonly source: string;
  readonly sequence: number;
  readonly incarnation: number;
  /** CRC-32 of its bytes, in hex, as that of the last one that was read. */
  readonly digest: string;
}

/** A partition that stopped: what was read of it, and what stands in the log now. */
export interface ShownPartition extends StoppedPartition {
  readonly topicIdNow: string | null;
  readonly logStart: number;
  readonly logEnd: number;
  /** Where it stopped; null at the log's end, and for what is no event. */
  readonly record: RecordThere | null;
}

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
      return Promise.all(stopped.map((one) => shown(kafka, one)));
    },
    async goOn({ topic, partition }, offset, { by, reason }) {
      const stopped = (await stops.list()).find((one) => one.topic === topic && one.partition === partition);
      if (!stopped) throw new SlipstreamError('not_found', 'This partition has not stopped.');
      const { logStart, logEnd, topicIdNow: topicId } = await logNow(kafka, stopped);
      if (offset < logStart || offset > logEnd) {
        throw new SlipstreamError('conflict', `The log has the offsets ${logStart} to ${logEnd}.`);
      }
      const record = await recordAt(kafka, stopped, offset, logEnd);
      const id = newId();
      await stops.goOn(stopped, { id, by, reason, offset, topicId, record });
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

async function shown(kafka: KafkaClient, stopped: StoppedPartition): Promise<ShownPartition> {
  const now = await logNow(kafka, stopped);
  return { ...stopped, ...now, record: await recordAt(kafka, stopped, stopped.nextOffset, now.logEnd) };
}

async function logNow(kafka: KafkaClient, { topic, partition }: StoppedPlace) {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const bounds = (await readLogBounds(admin, topic)).get(partition);
    if (!bounds) throw new SlipstreamError('not_found', `The topic ${topic} has no partition ${partition}.`);
    return { logStart: bounds.start, logEnd: bounds.end, topicIdNow: await readTopicId(kafka, topic) };
  } finally {
    await admin.disconnect();
  }
}

async function recordAt(
  kafka: KafkaClient,
  { topic, partition }: StoppedPlace,
  offset: number,
  logEnd: number,
): Promise<RecordThere | null> {
  if (offset < 0 || offset >= logEnd) return null;
  const reader = new LogReader(kafka, topic);
  try {
    const value = (await reader.values(partition, [offset])).get(offset);
    if (!value) return null;
    const { source, sequence, incarnation } = peekEnvelope(value);
    if (sequence < 1) return null;
    return { offset, source, sequence, incarnation, digest: crc32(value).toString(16).padStart(8, '0') };
  } catch (error) {
    // An inbound record need be no event of ours: then there is no number to go on from.
    if (error instanceof SlipstreamError && error.code === 'undecodable_record') return null;
    throw error;
  } finally {
    await reader.stop();
  }
}
