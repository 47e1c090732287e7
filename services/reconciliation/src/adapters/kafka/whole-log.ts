import {
  decodeOpsEvent,
  type Envelope,
  mayPublish,
  type RecordedOpsEvent,
  readEnvelope,
  slipEventOf,
  topics,
} from '@slipstream/contracts';
import { type KafkaClient, type LogBounds, LogReader, readLogBounds, readTail } from '@slipstream/kafka';
import { type Instant, isSlipstreamError } from '@slipstream/kernel';
import type { RecordedEvent } from '@slipstream/slip';
import { type SharedRecord, ShareFile } from './share-file.ts';

/** Offsets that are read at once. */
const pageMax = 20_000;
/** So many records at the end of a partition are looked at for its last time. */
const lastMax = 100;

/** Records that were read, of so many. */
export type OnRead = (done: number, total: number) => void;

/** The slips' log, read from its first record by nobody's group. */
export class WholeLog {
  readonly #kafka: KafkaClient;
  readonly #reader: LogReader;
  readonly #topic: string;
  readonly #recordsMax: number;

  /** @param options.recordsMax of a partition's records so many, about, are held at once */
  constructor(kafka: KafkaClient, { topic = topics.events.name, recordsMax = 2_000 } = {}) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#recordsMax = recordsMax;
    this.#reader = new LogReader(kafka, topic);
  }

  async bounds(): Promise<ReadonlyMap<number, LogBounds>> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      return await readLogBounds(admin, this.#topic);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  /** The latest time of an event; '' when there is none. */
  async lastTime(bounds: ReadonlyMap<number, LogBounds>): Promise<Instant | ''> {
    let last: Instant | '' = '';
    for (const [partition, { start, end }] of bounds) {
      await this.#records(partition, { from: Math.max(start, end - lastMax), to: end }, (record) => {
        const time = eventOf(record)?.recorded.time ?? '';
        if (time > last) last = time;
      });
    }
    return last;
  }

  /**
   * The events of a partition by slip, in their order; a record that came again is left out. A long partition comes in shares of its
   * slips, so that no more is held at once however long it is: it is read once, and put apart in a file.
   */
  async *slips(
    partition: number,
    { start, end }: LogBounds,
    onRead: (records: number) => void,
  ): AsyncGenerator<ReadonlyMap<string, readonly RecordedEvent[]>> {
    if (start === end) return;
    const shares = Math.ceil((end - start) / this.#recordsMax);
    const file = new ShareFile(shares);
    try {
      for (let from = start; from < end; from += pageMax) {
        const to = Math.min(end, from + pageMax);
        await this.#records(partition, { from, to }, (record) =>
          file.add(shareOf(record.key, shares), record),
        );
        onRead((to - from) / 2);
      }
      for (let share = 0; share < shares; share += 1) {
        yield bySlip(file.records(share));
        onRead((end - start) / shares / 2);
      }
    } finally {
      file.close();
    }
  }

  /** All slips of these parts of the log, each whole. @returns how many records they have */
  async everySlip(
    bounds: ReadonlyMap<number, LogBounds>,
    onSlip: (events: readonly RecordedEvent[]) => void,
    onRead: OnRead,
  ): Promise<number> {
    const total = [...bounds.values()].reduce((sum, { start, end }) => sum + end - start, 0);
    let read = 0;
    const onPage = (records: number) => {
      read += records;
      onRead(Math.round(read), total);
    };
    for (const [partition, range] of bounds) {
      for await (const slips of this.slips(partition, range, onPage)) {
        for (const events of slips.values()) onSlip(events);
      }
    }
    return total;
  }

  /** What the operations log has, in the order of each partition. */
  async operations(onEvent: (event: RecordedOpsEvent) => void): Promise<void> {
    const from = new Map(Array.from({ length: topics.ops.partitions }, (_, partition) => [partition, 0]));
    await readTail(this.#kafka, topics.ops.name, from, (_, walk) => {
      const event = readable(() => decodeOpsEvent(walk.value()!));
      if (event) onEvent(event);
    });
  }

  close(): Promise<void> {
    return this.#reader.stop();
  }

  async #records(
    partition: number,
    { from, to }: { from: number; to: number },
    take: (record: SharedRecord) => void,
  ): Promise<void> {
    await this.#reader.walk(partition, from, to, (walk) => {
      const [key, value] = [walk.key(), walk.value()];
      if (key !== null && value !== null) take({ key, value });
    });
  }
}

function bySlip(records: Iterable<SharedRecord>): ReadonlyMap<string, readonly RecordedEvent[]> {
  const slips = new Map<string, RecordedEvent[]>();
  const taken = new Map<string, Pick<Envelope, 'incarnation' | 'sequence'>>();
  for (const record of records) {
    const read = eventOf(record);
    if (read === null) continue;
    const { recorded } = read;
    const { source, incarnation, sequence } = read.envelope;
    const last = taken.get(source);
    if (last?.incarnation === incarnation && sequence <= last.sequence) continue;
    taken.set(source, { incarnation, sequence });
    const events = slips.get(recorded.slipId);
    if (events) events.push(recorded);
    else slips.set(recorded.slipId, [recorded]);
  }
  return slips;
}

/** null: it is no event of ours, and is passed over as the service passes over it. */
function eventOf({ key, value }: SharedRecord) {
  const envelope = readable(() => readEnvelope(value));
  if (!envelope || !mayPublish(envelope.source, envelope.type)) return null;
  const recorded = readable(() => slipEventOf(envelope));
  return recorded && key.toString() === recorded.slipId ? { envelope, recorded } : null;
}

/** The same for every record of a slip; of many slips each share gets about as many (FNV-1a). */
function shareOf(key: Buffer, shares: number): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % shares;
}

function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}
