import { readEnvelope, type Source } from '@slipstream/contracts';
import { type KafkaClient, readTail } from '@slipstream/kafka';
import type { OwnLogStore, Tx } from '@slipstream/postgres';
import type { Lacking, Recovery } from './own-log-guard.ts';

export interface OwnRecordsOptions {
  readonly kafka: KafkaClient;
  readonly source: Source;
  readonly topic: string;
  readonly log: Pick<OwnLogStore, 'cursors'>;
}

/** A record of the service's own that its database does not know. */
export interface LackingRecord {
  readonly offset: number;
  readonly value: Buffer;
}

/** The service's own records of a partition behind what the database and the topic have both, in order, each once. */
export async function ownRecords(
  { kafka, source, topic, log }: OwnRecordsOptions,
  partition: number,
  { sharedSeq, endOffset }: Lacking,
): Promise<readonly LackingRecord[]> {
  const from = (await log.cursors(topic)).get(partition) ?? 0;
  const found: LackingRecord[] = [];
  let known = sharedSeq;
  await readTail(kafka, topic, new Map([[partition, from]]), (_, record) => {
    const value = record.value();
    if (record.offset >= endOffset || !value || !record.peekSource() || record.source !== source) return;
    const { sequence } = readEnvelope(value);
    // Records that came twice, and those of before the copy was taken.
    if (sequence <= known) return;
    known = sequence;
    found.push({ offset: record.offset, value: Buffer.from(value) });
  });
  return found;
}

export interface LogRecoveryOptions<Event> extends OwnRecordsOptions {
  /** null: a type that this release does not know. */
  decode(value: Buffer): Event | null;
  /** Writes what the event says into a database that does not know of it. */
  fold(tx: Tx, event: Event, partition: number): Promise<void>;
}

/**
 * How a service goes on whose own events say all that it keeps: they are read from the topic behind what the database and
 * the topic have both, and written again, in order. A partition's are in memory at a time, as bytes.
 */
export function logRecovery<Event>(options: LogRecoveryOptions<Event>): Recovery {
  const { decode, fold } = options;
  // Of the partition that is folded back now: an instance that another one was faster than must not keep them all.
  let read: readonly LackingRecord[] = [];
  return {
    async foldBack(partition, lacking) {
      read = await ownRecords(options, partition, lacking);
      return true;
    },
    async folded(tx, partition) {
      const records = read;
      read = [];
      for (const { value } of records) {
        const event = decode(value);
        if (event !== null) await fold(tx, event, partition);
      }
    },
  };
}
