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

/** The slips' log, read from its first record by nobody's group. */
export class WholeLog {
  readonly #kafka: KafkaClient;
  readonly #reader: LogReader;

  constructor(kafka: KafkaClient) {
    this.#kafka = kafka;
    this.#reader = new LogReader(kafka, topics.events.name);
  }

  async bounds(): Promise<ReadonlyMap<number, LogBounds>> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      return await readLogBounds(admin, topics.events.name);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  /** The latest time of an event; '' when there is none. */
  async lastTime(bounds: ReadonlyMap<number, LogBounds>): Promise<Instant | ''> {
    let last: Instant | '' = '';
    for (const [partition, { start, end }] of bounds) {
      await this.#events(partition, Math.max(start, end - lastMax), end, ({ time }) => {
        if (time > last) last = time;
      });
    }
    return last;
  }

  /** The events of a partition by slip, in their order; a record that came again is left out. */
  async slips(
    partition: number,
    { start, end }: LogBounds,
    onRead: (records: number) => void,
  ): Promise<ReadonlyMap<string, readonly RecordedEvent[]>> {
    const slips = new Map<string, RecordedEvent[]>();
    const taken = new Map<string, Pick<Envelope, 'incarnation' | 'sequence'>>();
    for (let from = start; from < end; from += pageMax) {
      const to = Math.min(end, from + pageMax);
      await this.#events(partition, from, to, (recorded, envelope) => {
        const last = taken.get(envelope.source);
        if (last?.incarnation === envelope.incarnation && envelope.sequence <= last.sequence) return;
        const { incarnation, sequence } = envelope;
        taken.set(envelope.source, { incarnation, sequence });
        const events = slips.get(recorded.slipId);
        if (events) events.push(recorded);
        else slips.set(recorded.slipId, [recorded]);
      });
      onRead(to - from);
    }
    return slips;
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
    from: number,
    to: number,
    take: (recorded: RecordedEvent, envelope: Envelope) => void,
  ): Promise<void> {
    await this.#reader.walk(partition, from, to, (walk) => {
      const value = walk.value();
      const envelope = value && readable(() => readEnvelope(value));
      if (!envelope || !mayPublish(envelope.source, envelope.type)) return;
      const recorded = readable(() => slipEventOf(envelope));
      if (recorded && walk.key()?.toString() === recorded.slipId) take(recorded, envelope);
    });
  }
}

function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}
