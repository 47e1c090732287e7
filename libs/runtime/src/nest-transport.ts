import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import type { BatchConsumer } from '@slipstream/kafka';

/** What the transport does with a consumer, whatever transactions that one hands out. */
export type StartableConsumer = Pick<BatchConsumer<unknown>, 'start' | 'drain' | 'stop'>;

/**
 * Lets Nest start and stop batch consumers with the application. Nest's own Kafka server handles one message at a
 * time, drops those without a handler and parses JSON; here consumers are plain objects and no decorator is needed.
 */
export class KafkaBatchTransport extends Server implements CustomTransportStrategy {
  readonly #consumers: readonly StartableConsumer[];

  constructor(consumers: readonly StartableConsumer[]) {
    super();
    this.#consumers = consumers;
  }

  /** Calls back when every consumer has joined its group, or with the error that kept one from it. */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      await Promise.all(this.#consumers.map((consumer) => consumer.start()));
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Lets running batches end at their next chunk, then leaves the groups. */
  async close(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.drain()));
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
  }

  /** Consumers tell of themselves by metrics, log and health; there are no events. */
  on(): void {}

  unwrap<T>(): T {
    return this.#consumers as T;
  }
}
