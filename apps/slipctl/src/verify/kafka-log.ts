import { decodeCheckpoint, readEnvelope, topics } from '@slipstream/contracts';
import { type KafkaClient, LogReader, readLogBounds, readTail } from '@slipstream/kafka';
import { isSlipstreamError } from '@slipstream/kernel';
import { kafkaError, openKafka } from '../kafka.ts';
import type { LedgerDatabase } from './ledger-database.ts';
import type { KafkaPart, Problem } from './verify-partition.ts';

/** Records that are read of Kafka at once. */
const recordsMax = 5_000;
const noBytes = Buffer.alloc(0);

/** What Kafka has, to be compared with what the ledger has. */
export class KafkaLog {
  readonly #kafka: KafkaClient;
  readonly #reader: LogReader;
  #bounds: Awaited<ReturnType<typeof readLogBounds>> = new Map();
  /** Notes that had been published when it was opened. */
  #published: readonly string[] = [];

  private constructor(kafka: KafkaClient) {
    this.#kafka = kafka;
    this.#reader = new LogReader(kafka, topics.events.name);
  }

  /**
   * Before the database is: what was signed later than the moment that the database is read at says nothing about it.
   * @throws CliError when no broker answers, or none may be read
   */
  static async open(brokers: readonly string[]): Promise<KafkaLog> {
    const kafka = await openKafka(brokers, 'slipctl-verify');
    const log = new KafkaLog(kafka);
    await log.#readBounds();
    try {
      log.#published = await log.notes();
      return log;
    } catch (error) {
      throw kafkaError(error);
    }
  }

  get published(): readonly string[] {
    return this.#published;
  }

  /** How far the log reaches now: behind the moment that the database is read at. */
  async #readBounds(): Promise<void> {
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      this.#bounds = await readLogBounds(admin, topics.events.name);
    } catch (error) {
      throw kafkaError(error);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  close(): Promise<void> {
    return this.#reader.stop();
  }

  /** Compares with the log as it is now. */
  async begin(): Promise<void> {
    await this.#readBounds();
  }

  /** All that the topic has, also those that the ledger has nothing of. */
  partitions(): number[] {
    return [...this.#bounds.keys()];
  }

  /** Every note that was published. */
  async notes(): Promise<string[]> {
    const notes: string[] = [];
    await readTail(this.#kafka, topics.checkpoints.name, new Map([[0, 0]]), (_partition, walk) => {
      const value = walk.value();
      try {
        const checkpoint = value === null ? null : decodeCheckpoint(value);
        if (checkpoint !== null) notes.push(checkpoint.note);
      } catch (error) {
        if (!isSlipstreamError(error)) throw error;
      }
    });
    return notes;
  }

  /**
   * Compares a partition page by page: every record lies in the ledger under its offset, but one that came again, byte for
   * byte, may be left out. What the ledger has not handled yet is not looked at.
   */
  async comparison(database: LedgerDatabase, partition: number): Promise<KafkaPart> {
    const { start, end } = this.#bounds.get(partition) ?? { start: 0, end: 0 };
    const position = await database.handledUpTo(partition);
    const handled = Math.min(end, position);
    const problem = (offset: number, kind: Problem['kind'], detail: string): Problem => {
      return { partition, offset, through: offset, kind, detail };
    };
    const compare: KafkaPart['compare'] = async (after, rows, isLast) => {
      const to = isLast ? handled : (rows.at(-1)?.offset ?? after) + 1;
      let next = 0;
      for (let from = Math.max(after + 1, start); from < to; from += recordsMax) {
        const records = await this.#read(partition, from, Math.min(to, from + recordsMax, end));
        for (const { offset, value } of records) {
          for (; next < rows.length && rows[next]!.offset < offset; next++) {
            if (rows[next]!.offset >= start)
              return problem(rows[next]!.offset, 'inserted', 'Kafka has no such record');
          }
          if (rows[next]?.offset === offset) {
            if (!rows[next]!.bytes.equals(value))
              return problem(offset, 'differs_from_kafka', 'its bytes are not those that Kafka has');
            next++;
          } else if (!(await database.hasEarlier(partition, subjectOf(value), value, offset))) {
            return problem(offset, 'missing', 'Kafka has a record there that the log lacks');
          }
        }
      }
      const beyond = rows.slice(next).find(({ offset }) => offset >= start);
      return beyond ? problem(beyond.offset, 'inserted', 'Kafka has no such record') : null;
    };
    return { start, end, handled: position, compare };
  }

  async #read(partition: number, from: number, to: number): Promise<{ offset: number; value: Buffer }[]> {
    const records: { offset: number; value: Buffer }[] = [];
    try {
      await this.#reader.walk(partition, from, to, (walk) => {
        records.push({ offset: walk.offset, value: Buffer.from(walk.value() ?? noBytes) });
      });
    } catch (error) {
      throw kafkaError(error);
    }
    return records;
  }
}

function subjectOf(value: Buffer): string | null {
  try {
    const { subject } = readEnvelope(value);
    return subject.includes('\0') ? null : subject;
  } catch (error) {
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}
