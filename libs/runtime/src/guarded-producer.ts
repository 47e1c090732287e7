import type { RelayProducer, RelayRecord } from '@slipstream/postgres';

/** Sends for the relay where that is open, and tells when nothing is on its way any more. */
export class GuardedProducer implements RelayProducer {
  readonly #inner: RelayProducer;
  readonly #require: (topic: string, partition: number) => void;
  readonly #onTheirWay = new Set<Promise<unknown>>();

  /** @param require throws for a partition that nothing may be sent to now */
  constructor(inner: RelayProducer, require: (topic: string, partition: number) => void) {
    this.#inner = inner;
    this.#require = require;
  }

  async sendBatch(records: readonly RelayRecord[]): Promise<ReadonlyMap<string, bigint>> {
    for (const { topic, partition } of records) this.#require(topic, partition);
    const sending = this.#inner.sendBatch(records);
    this.#onTheirWay.add(sending);
    try {
      return await sending;
    } finally {
      this.#onTheirWay.delete(sending);
    }
  }

  /** What was given to the broker by now has its answer. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#onTheirWay]);
  }
}
