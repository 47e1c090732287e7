import { encodeTick, type Source, tickKey, topics } from '@slipstream/contracts';
import type { SerialProducer } from '@slipstream/kafka';
import type { Relay, WatermarkClock } from '@slipstream/postgres';
import type { Part } from './lifecycle.ts';

/** Rule 6: how often a tick is published while something is open, and while nothing is. */
const openMs = 50;
const idleMs = 1_000;

/** Publishes this service's watermarks, from the one instance that sends partition 0. */
export class Ticker implements Part {
  readonly name = 'watermarks';
  readonly #source: Source;
  readonly #clock: WatermarkClock;
  readonly #relay: Relay;
  readonly #producer: SerialProducer;
  readonly #open: () => Promise<boolean>;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #isOpen = true;
  #askOpenAtMs = 0;
  /** Clocks whose last word was said. */
  readonly #closed = new Set<string>();

  constructor(options: {
    source: Source;
    clock: WatermarkClock;
    relay: Relay;
    producer: SerialProducer;
    open: () => Promise<boolean>;
    onError: (error: unknown) => void;
  }) {
    this.#source = options.source;
    this.#clock = options.clock;
    this.#relay = options.relay;
    this.#producer = options.producer;
    this.#open = options.open;
    this.#onError = options.onError;
  }

  async start(): Promise<void> {
    this.#schedule(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      const startedMs = performance.now();
      this.#running = this.#tick()
        .catch(this.#onError)
        .then(() => {
          const everyMs = this.#isOpen ? openMs : idleMs;
          this.#schedule(Math.max(5, everyMs - (performance.now() - startedMs)));
        });
    }, delayMs);
  }

  async #tick(): Promise<void> {
    if (!this.#relay.leads(topics.events.name, 0)) return;
    await this.#askOpen();
    const watermarks = (await this.#clock.read()).filter((watermark) => !this.#closed.has(watermark.clock));
    if (watermarks.length === 0) return;
    await this.#producer.sendBatch(
      watermarks.map((watermark) => ({
        topic: topics.watermarks.name,
        partition: 0,
        key: tickKey(this.#source, watermark.clock),
        value: Buffer.from(encodeTick({ source: this.#source, ...watermark })),
      })),
    );
    for (const watermark of watermarks) if (watermark.closed) this.#closed.add(watermark.clock);
  }

  async #askOpen(): Promise<void> {
    if (performance.now() < this.#askOpenAtMs) return;
    this.#askOpenAtMs = performance.now() + 500;
    this.#isOpen = await this.#open();
  }
}
