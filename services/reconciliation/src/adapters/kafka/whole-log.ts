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
  constructor(kafka: KafkaClient, { topic = topics.events.name, recordsMax = 5_000 } = {}) {
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
      const latest = { from: Math.max(start, end - lastMax), to: end, isOfShare: () => true };
      await this.#events(partition, latest, ({ time }) => {
        if (time > last) last = time;
      });
    }
    return last;
  }

  /**
   * The events of a partition by slip, in their order; a record that came again is left out. A long partition is read more than
   * once, each time for a share of its slips, so that no more is held at once however long it is.
   */
  async *slips(
    partition: number,
    { start, end }: LogBounds,
    onRead: (records: number) => void,
  ): AsyncGenerator<ReadonlyMap<string, readonly RecordedEvent[]>> {
    const shares = Math.ceil((end - start) / this.#recordsMax);
    for (let share = 0; share < shares; share += 1) {
      const slips = new Map<string, RecordedEvent[]>();
      const taken = new Map<string, Pick<Envelope, 'incarnation' | 'sequence'>>();
      const isOfShare = (key: Buffer) => shareOf(key, shares) === share;
      for (let from = start; from < end; from += pageMax) {
        const to = Math.min(end, from + pageMax);
        await this.#events(
          partition,
          { from, to, isOfShare },
          (recorded, { source, incarnation, sequence }) => {
            const last = taken.get(source);
            if (last?.incarnation === incarnation && sequence <= last.sequence) return;
            taken.set(source, { incarnation, sequence });
            const events = slips.get(recorded.slipId);
            if (events) events.push(recorded);
            else slips.set(recorded.slipId, [recorded]);
          },
        );
        onRead((to - from) / shares);
      }
      yield slips;
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

  /** What is no event of ours is passed over, as the service passes over it. */
  async #events(
    partition: number,
    { from, to, isOfShare }: { from: number; to: number; isOfShare: (key: Buffer) => boolean },
    take: (recorded: RecordedEvent, envelope: Envelope) => void,
  ): Promise<void> {
    await this.#reader.walk(partition, from, to, (walk) => {
      const key = walk.key();
      if (key === null || !isOfShare(key)) return;
      const value = walk.value();
      const envelope = value && readable(() => readEnvelope(value));
      if (!envelope || !mayPublish(envelope.source, envelope.type)) return;
      const recorded = readable(() => slipEventOf(envelope));
      if (recorded && key.toString() === recorded.slipId) take(recorded, envelope);
    });
  }
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
