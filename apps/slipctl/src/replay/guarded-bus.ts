import { allTopics, topics } from '@slipstream/contracts';
import { ensureTopics, type KafkaClient, type OutRecord, SerialProducer } from '@slipstream/kafka';
import { CliError } from '../exit.ts';

const declared: ReadonlySet<string> = new Set(allTopics.map(({ name }) => name));
/** Of a topic that is made for a replay: seven days. */
const keptMs = 7 * 86_400_000;

/** Why a replay may not write to the topic; null: it may. */
export function targetProblem(topic: string): string | null {
  if (declared.has(topic))
    return `${topic} is one of Slipstream's own topics: services act on what they read there`;
  if (topic.startsWith('__')) return `${topic} is one of Kafka's own topics`;
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(topic)) return `${JSON.stringify(topic)} is no name of a topic`;
  return null;
}

/**
 * The only thing of a replay that can write to Kafka. It is made for one topic, and for none that anything here reads: so a
 * replay has no effect, whatever is replayed.
 */
export class GuardedBus {
  readonly #producer: SerialProducer;
  readonly #topic: string;

  private constructor(kafka: KafkaClient, topic: string) {
    this.#producer = new SerialProducer(kafka, { log: { info() {}, warn() {}, error() {} } });
    this.#topic = topic;
  }

  /** Makes the topic if there is none. @throws CliError (usage) when it is not for replays, or has other partitions */
  static async open(kafka: KafkaClient, topic: string, partitions: number): Promise<GuardedBus> {
    const problem = targetProblem(topic);
    if (problem !== null) throw new CliError('usage', problem);
    await provide(kafka, topic, partitions);
    return new GuardedBus(kafka, topic);
  }

  /** Gives the first offset that each partition got. */
  async send(records: readonly Omit<OutRecord, 'topic'>[]): Promise<ReadonlyMap<number, number>> {
    const topic = this.#topic;
    const sent = await this.#producer.sendBatch(records.map((record) => ({ ...record, topic })));
    return new Map(
      [...sent].map(([place, offset]) => [Number(place.slice(topic.length + 1)), Number(offset)]),
    );
  }

  stop(): Promise<void> {
    return this.#producer.stop();
  }
}

async function provide(kafka: KafkaClient, topic: string, partitions: number): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    if ((await admin.listTopics()).includes(topic)) {
      const answer = await admin.fetchTopicMetadata({ topics: [topic] });
      const found = answer.topics[0]?.partitions.length ?? 0;
      if (found === partitions) return;
      throw new CliError('usage', `${topic} has ${found} partitions, and what is replayed has ${partitions}`);
    }
  } finally {
    await admin.disconnect().catch(() => {});
  }
  await ensureTopics(kafka, [{ ...topics.events, name: topic, partitions, retentionMs: keptMs }]);
}
