import { topics } from '@slipstream/contracts';
import { type KafkaClient, LogReader, readLogBounds } from '@slipstream/kafka';
import { instantFromMs } from '@slipstream/kernel';
import { kafkaError } from '../kafka.ts';
import { loggedRecord } from './read-head.ts';
import type { LoggedRecord, Page, RecordSource, Span } from './records.ts';

/** Offsets that are read at once: of each partition a page is kept, and there may be many partitions. */
const pageMax = 500;
/** About a page, and what is read in vain when its records are small. */
const pageBytesMax = 256 * 1024;

/** The topic itself. */
export class KafkaRecords implements RecordSource {
  readonly #kafka: KafkaClient;
  readonly #topic: string;
  readonly #reader: LogReader;

  constructor(kafka: KafkaClient, topic: string = topics.events.name) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#reader = new LogReader(kafka, topic, pageBytesMax);
  }

  async spans(): Promise<ReadonlyMap<number, Span>> {
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      return await readLogBounds(admin, this.#topic);
    } catch (error) {
      throw kafkaError(error);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  async read(
    partition: number,
    from: number,
    end: number,
    isMeant: (record: LoggedRecord) => boolean,
  ): Promise<Page> {
    const next = Math.min(end, from + pageMax);
    const records: LoggedRecord[] = [];
    try {
      await this.#reader.walk(partition, from, next, (walk) => {
        const { offset, timestampMs, key, value, headers } = walk.record();
        const raw = { partition, offset, key: key?.toString() ?? null, headers: texts(headers) };
        const record = loggedRecord({ ...raw, value: value ?? nothing }, instantFromMs(timestampMs));
        // The walk goes on over the same bytes: what is kept is a copy.
        if (isMeant(record)) records.push({ ...record, value: Buffer.from(record.value) });
      });
    } catch (error) {
      throw kafkaError(error);
    }
    return { records, next };
  }

  close(): Promise<void> {
    return this.#reader.stop();
  }
}

const nothing = Buffer.alloc(0);

function texts(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
