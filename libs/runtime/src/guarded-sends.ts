import type { RelayProducer } from '@slipstream/postgres';

/** Lets the relay's producers send where that is open, and tells when nothing is on its way any more. */
export class GuardedSends {
  readonly #require: (topic: string, partition: number) => void;
  readonly #onTheirWay = new Set<Promise<unknown>>();

  /** @param require throws for a partition that nothing may be sent to now */
  constructor(require: (topic: string, partition: number) => void) {
    this.#require = require;
  }

  guard(inner: RelayProducer): RelayProducer {
    return {
      sendBatch: async (records) => {
        for (const { topic, partition } of records) this.#require(topic, partition);
        const sending = inner.sendBatch(records);
        this.#onTheirWay.add(sending);
        try {
          return await sending;
        } finally {
          this.#onTheirWay.delete(sending);
        }
      },
      stop: async () => inner.stop?.(),
    };
  }

  /** What was given to the broker by now has its answer. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#onTheirWay]);
  }
}
