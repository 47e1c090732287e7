import { cloudEventType, mayPublish, readEnvelope, slipEventOf, topics } from '@slipstream/contracts';
import { type EventWalk, type KafkaClient, LogReader, misplaced, readLogBounds } from '@slipstream/kafka';
import { isSlipstreamError } from '@slipstream/kernel';
import type { RecordedEvent, SlipEvent } from '@slipstream/slip';
import { kafkaError, openKafka } from '../kafka.ts';

const pageMax = 50_000;

/** The slips' events, from the first one on, partition by partition, in memory that does not grow with them. */
export class SlipLog {
  readonly #kafka: KafkaClient;
  readonly #reader: LogReader;
  readonly #wanted: ReadonlySet<string>;
  /** By partition: the next offset. */
  readonly #next = new Map<number, number>();
  /** By partition and source: the last number that was taken. */
  readonly #taken = new Map<string, { readonly incarnation: number; readonly sequence: number }>();
  #read = 0;

  private constructor(kafka: KafkaClient, wanted: ReadonlySet<SlipEvent['type']>) {
    this.#kafka = kafka;
    this.#reader = new LogReader(this.#kafka, topics.events.name);
    this.#wanted = new Set([...wanted].map(cloudEventType));
  }

  /** Gives the events of some types. @throws CliError (usage, unreachable) */
  static async open(brokers: readonly string[], wanted: ReadonlySet<SlipEvent['type']>): Promise<SlipLog> {
    return new SlipLog(await openKafka(brokers, 'slipctl-reconcile'), wanted);
  }

  /** Records that were read. */
  get records(): number {
    return this.#read;
  }

  /**
   * Reads on to where the log ends now. What is no event of ours is passed over, as every service passes over it.
   * @throws CliError (unreachable)
   */
  async readOn(
    take: (event: RecordedEvent) => void,
    onPage: (done: number, total: number) => void,
  ): Promise<void> {
    try {
      const bounds = await this.#bounds();
      let left = 0;
      for (const [partition, { start, end }] of bounds) left += end - (this.#next.get(partition) ?? start);
      const total = this.#read + left;
      for (const [partition, { start, end }] of bounds) {
        for (let from = this.#next.get(partition) ?? start; from < end; from += pageMax) {
          const to = Math.min(end, from + pageMax);
          await this.#reader.walk(partition, from, to, (walk) => {
            const event = this.#eventOf(partition, walk);
            if (event !== null) take(event);
          });
          this.#next.set(partition, to);
          this.#read += to - from;
          onPage(this.#read, total);
        }
      }
    } catch (error) {
      throw kafkaError(error);
    }
  }

  close(): Promise<void> {
    return this.#reader.stop();
  }

  async #bounds() {
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      return await readLogBounds(admin, topics.events.name);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  #eventOf(partition: number, walk: EventWalk): RecordedEvent | null {
    // Read in place: most records are none of those that are wanted.
    if (walk.peek() && (!this.#wanted.has(walk.type) || this.#isResent(partition, walk))) return null;
    const value = walk.value();
    if (value === null) return null;
    try {
      const envelope = readEnvelope(value);
      const { type, source, subject, sequence } = envelope;
      if (!this.#wanted.has(type) || !mayPublish(source, type) || sequence < 1) return null;
      const place = { topic: topics.events.name, partition, key: walk.key() };
      return misplaced(place, subject) === null ? slipEventOf(envelope) : null;
    } catch (error) {
      if (isSlipstreamError(error)) return null;
      throw error;
    }
  }

  /** The same number of the same incarnation again (rule 4). */
  #isResent(partition: number, { source, sequence, incarnation }: EventWalk): boolean {
    const name = `${partition} ${source}`;
    const last = this.#taken.get(name);
    if (last !== undefined && last.incarnation === incarnation && sequence <= last.sequence) return true;
    this.#taken.set(name, { incarnation, sequence });
    return false;
  }
}
