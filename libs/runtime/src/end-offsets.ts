import { type KafkaClient, readLogBounds, seeingUncommitted } from '@slipstream/kafka';

/** Asks the broker where topics end, over one admin connection. */
export class EndOffsets {
  readonly #admin: ReturnType<KafkaClient['admin']>;

  constructor(kafka: KafkaClient) {
    // What lies in an open transaction was received, though nobody can read it yet.
    this.#admin = seeingUncommitted(kafka).admin();
  }

  start(): Promise<void> {
    return this.#admin.connect();
  }

  stop(): Promise<void> {
    return this.#admin.disconnect();
  }

  /** Per partition that holds records, the offset after the last of them. */
  async of(topic: string): Promise<ReadonlyMap<number, number>> {
    const bounds = await readLogBounds(this.#admin, topic);
    const filled = [...bounds].filter(([, { start, end }]) => end > start);
    return new Map(filled.map(([partition, { end }]) => [partition, end]));
  }
}
