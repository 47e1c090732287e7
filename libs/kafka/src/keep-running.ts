import type { Consumer, ConsumerRunConfig } from 'kafkajs';
import { isBrokersAway } from './brokers-away.ts';
import { describeError, type Log } from './log.ts';
import { retryDelayMs } from './retry-delay.ts';

export interface KeepRunningOptions {
  readonly consumer: Pick<Consumer, 'run' | 'on' | 'events'>;
  readonly group: string;
  readonly config: ConsumerRunConfig;
  readonly isStopping: () => boolean;
  /** kafkajs gave up for another reason than brokers that are away. */
  readonly onFatal: (error: Error) => void;
  readonly log: Log;
  readonly delayMs?: (failures: number) => number;
}

/**
 * Runs a consumer that was subscribed, and again after kafkajs gave up for a reason that passes: it calls the group's
 * coordinator that is not up yet a final error, ends the consumer and leaves the process to end itself.
 */
export class KeepRunning {
  readonly #options: KeepRunningOptions;
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(options: KeepRunningOptions) {
    this.#options = options;
    const { consumer, isStopping, onFatal } = options;
    consumer.on(consumer.events.GROUP_JOIN, () => {
      this.#failures = 0;
    });
    consumer.on(consumer.events.CRASH, ({ payload: { restart, error } }) => {
      if (restart || isStopping()) return;
      if (isBrokersAway(error)) this.#runLater(error);
      else onFatal(error);
    });
  }

  /** Resolves when kafkajs has joined the group, or has given up and it is being tried again. */
  async run(): Promise<void> {
    const { consumer, config } = this.#options;
    this.#running = consumer.run(config);
    await this.#running;
  }

  /** Begins nothing more, and resolves when a join that is under way has ended: stopping before would leave it (K14). */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#running.catch(() => {});
  }

  #runLater(error: Error): void {
    const { group, log, isStopping, onFatal, delayMs = retryDelayMs } = this.#options;
    this.#failures++;
    const waitMs = Math.round(delayMs(this.#failures));
    log.warn('the consumer is run again', {
      group,
      failures: this.#failures,
      waitMs,
      ...describeError(error),
    });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!isStopping()) this.run().catch((failure) => this.#again(failure, onFatal));
    }, waitMs);
  }

  #again(failure: Error, onFatal: (error: Error) => void): void {
    if (isBrokersAway(failure)) this.#runLater(failure);
    else onFatal(failure);
  }
}
