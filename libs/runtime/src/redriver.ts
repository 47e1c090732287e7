import type { OwnedPlace, RedriveItem } from '@slipstream/postgres';
import type { Health } from './health.ts';
import { ItemRedrive, type ItemRedriveOptions, type RedriveConsumer } from './item-redrive.ts';
import type { Part } from './lifecycle.ts';
import { Loop } from './loop.ts';

export interface RedriverOptions extends ItemRedriveOptions {
  readonly consumers: () => readonly RedriveConsumer[];
  newId(): string;
  readonly onError: (error: unknown) => void;
  /** Longest wait until something decided at another instance is seen. */
  readonly everyMs?: number;
  /** No other instance lives that might decide something: then only what is decided here is looked for, at once. */
  readonly isAlone?: () => boolean;
}

/** Also one that is alone looks: an instance may have decided something and died. */
const aloneMs = 30_000;

const itemsMax = 100;

/**
 * Reads dead letters again through the same handler that set them aside (rule 9): per slip in order, from the first one
 * on, under the partition's fence, until the slip waits no longer or a letter fails again. It also reads again, once for
 * each partition that comes to this process, what an older release could not read.
 */
export class Redriver implements Part {
  readonly name = 'redriver';
  readonly #options: RedriverOptions;
  readonly #items: ItemRedrive;
  readonly #loop: Loop;
  readonly #stopping = new AbortController();
  /** Partitions whose `too_new` letters were queued since they came here. */
  #upgraded = new Set<string>();
  /** Something may be queued: decided here, or left over from the last look. */
  #isDue = true;
  #lookAtMs = 0;

  constructor(options: RedriverOptions) {
    this.#options = options;
    this.#items = new ItemRedrive(options, this.#stopping.signal);
    const { everyMs = 2_000, onError } = options;
    this.#loop = new Loop({
      ...{ name: this.name, pauseMs: 0, onError },
      round: async (woken) => {
        this.#isDue ||= woken;
        return (await this.#round()) ? 0 : everyMs;
      },
    });
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  /** Something was decided here: looked at soon. */
  readonly wake = (): void => this.#loop.wake();

  async drain(): Promise<void> {
    this.#stopping.abort();
    await this.#loop.stop();
  }

  async stop(): Promise<void> {
    await this.drain();
  }

  health(): Health {
    return this.#loop.health();
  }

  /** True: something was done, so there may be more. */
  async #round(): Promise<boolean> {
    const owned = this.#owned();
    await this.#queueTooNew(owned);
    if (owned.length === 0 || !this.#looksNow()) return false;
    let progressed = false;
    try {
      const items = await this.#options.queue.next(owned, itemsMax);
      if (items.length > 0) this.#isDue = true;
      for (const item of items) {
        const consumer = this.#consumerOf(item);
        if (this.#stopping.signal.aborted) return false;
        if (consumer && (await this.#items.redrive(consumer, item))) progressed = true;
      }
    } catch (error) {
      this.#isDue = true;
      throw error;
    }
    return progressed;
  }

  #consumerOf({ group, topic }: RedriveItem): RedriveConsumer | undefined {
    const isIts = ({ subscription }: RedriveConsumer) =>
      subscription.group === group && subscription.topic === topic;
    return this.#options.consumers().find(isIts);
  }

  #looksNow(): boolean {
    const nowMs = performance.now();
    const isAlone = this.#options.isAlone?.() ?? false;
    if (!this.#isDue && isAlone && nowMs < this.#lookAtMs) return false;
    this.#lookAtMs = nowMs + aloneMs;
    this.#isDue = false;
    return true;
  }

  #owned(): OwnedPlace[] {
    return this.#options.consumers().flatMap((consumer) => {
      const { group, topic } = consumer.subscription;
      return [...consumer.positions().keys()].map((partition) => ({ group, topic, partition }));
    });
  }

  async #queueTooNew(owned: readonly OwnedPlace[]): Promise<void> {
    const here = new Set(owned.map(nameOf));
    this.#upgraded = new Set([...this.#upgraded].filter((name) => here.has(name)));
    for (const place of owned) {
      if (this.#upgraded.has(nameOf(place))) continue;
      const order = {
        id: this.#options.newId(),
        by: 'slipstream',
        reason: 'this release may know the values',
      };
      const queued = await this.#options.queue.queueTooNew(place, order);
      this.#upgraded.add(nameOf(place));
      // What another member began to read again with this partition goes on here.
      this.#isDue = true;
      if (queued > 0) this.#options.log('records of a newer release are read again', { ...place, queued });
    }
  }
}

function nameOf({ group, topic, partition }: OwnedPlace): string {
  return `${group} ${topic} ${partition}`;
}
