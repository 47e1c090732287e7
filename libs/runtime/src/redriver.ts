import { setTimeout as sleep } from 'node:timers/promises';
import { type BatchConsumer, recordAgain, refusalOf } from '@slipstream/kafka';
import type {
  OwnedPlace,
  ParkedRecord,
  PgConsumerStore,
  RedriveItem,
  RedriveQueue,
  Tx,
} from '@slipstream/postgres';
import type { Part } from './lifecycle.ts';

export type RedriveConsumer = Pick<BatchConsumer<Tx>, 'subscription' | 'positions' | 'release'>;

export interface RedriverOptions {
  readonly consumers: () => readonly RedriveConsumer[];
  readonly queue: RedriveQueue;
  readonly store: Pick<PgConsumerStore, 'classify'>;
  newId(): string;
  readonly log: (message: string, fields: object) => void;
  readonly onError: (error: unknown) => void;
  /** Longest wait until something decided at another instance is seen. */
  readonly everyMs?: number;
  /** No other instance lives that might decide something: then only what is decided here is looked for, at once. */
  readonly isAlone?: () => boolean;
}

/** Also one that is alone looks: an instance may have decided something and died. */
const aloneMs = 30_000;

/** Letters of one transaction. */
const lettersMax = 100;
const itemsMax = 100;

/**
 * Reads dead letters again through the same handler that set them aside (rule 9): per slip in order, from the first one
 * on, under the partition's fence, until the slip waits no longer or a letter fails again. It also reads again, once for
 * each partition that comes to this process, what an older release could not read.
 */
export class Redriver implements Part {
  readonly name = 'redriver';
  readonly #options: RedriverOptions;
  readonly #stopping = new AbortController();
  /** Partitions whose `too_new` letters were queued since they came here. */
  #upgraded = new Set<string>();
  #running: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};
  /** Something may be queued: decided here, or left over from the last look. */
  #isDue = true;
  #lookAtMs = 0;

  constructor(options: RedriverOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#running = this.#run();
  }

  /** Something was decided here: looked at soon. */
  readonly wake = (): void => {
    this.#isDue = true;
    this.#wake();
  };

  async drain(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running;
  }

  async stop(): Promise<void> {
    await this.drain();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      let progressed = false;
      try {
        progressed = await this.#round();
      } catch (error) {
        this.#isDue = true;
        this.#options.onError(error);
      }
      if (!progressed) await Promise.race([woken, this.#pause(this.#options.everyMs ?? 2_000)]);
    }
  }

  /** True: something was done, so there may be more. */
  async #round(): Promise<boolean> {
    const owned = this.#owned();
    await this.#queueTooNew(owned);
    if (owned.length === 0 || !this.#looksNow()) return false;
    let progressed = false;
    const items = await this.#options.queue.next(owned, itemsMax);
    if (items.length > 0) this.#isDue = true;
    for (const item of items) {
      if (this.#stopping.signal.aborted) return false;
      progressed = (await this.#redrive(item)) || progressed;
    }
    return progressed;
  }

  #looksNow(): boolean {
    const nowMs = performance.now();
    const isAlone = this.#options.isAlone?.() ?? false;
    if (!this.#isDue && isAlone && nowMs < this.#lookAtMs) return false;
    this.#lookAtMs = nowMs + aloneMs;
    // A wake that comes while the database is asked counts for the next look.
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

  /** Reads a slip's letters until none is left or one fails again. False: the partition is not ours now, or waits. */
  async #redrive(item: RedriveItem): Promise<boolean> {
    const consumer = this.#options
      .consumers()
      .find(({ subscription }) => subscription.group === item.group && subscription.topic === item.topic);
    if (!consumer) return false;
    for (let atOnce = lettersMax; ; ) {
      const step = await this.#step(consumer, item, atOnce);
      if (step.kind === 'not-now') return false;
      if (step.kind === 'failed' && step.letters > 1) {
        // One of them: they are read one by one up to it.
        atOnce = 1;
        continue;
      }
      if (step.kind === 'failed') return this.#giveBack(consumer, item, step.error);
      await this.#pause((step.letters * 1_000) / item.perSecond);
      if (step.letters < atOnce || item.parkKey === null) return true;
      if (this.#stopping.signal.aborted) return false;
    }
  }

  async #step(consumer: RedriveConsumer, item: RedriveItem, atOnce: number): Promise<Step> {
    const { queue, store } = this.#options;
    let letters: readonly ParkedRecord[] = [];
    try {
      const owned = await consumer.release(item.partition, async (tx) => {
        letters = await queue.take(tx, item, atOnce);
        await this.#handle(tx, consumer, item, letters);
        await queue.done(tx, letters, item);
        if (item.parkKey === null) return [];
        return (await queue.letGo(tx, item)) ? [item.parkKey] : [];
      });
      if (!owned) return { kind: 'not-now' };
    } catch (error) {
      const refusal = refusalOf(error, store);
      return refusal === null ? { kind: 'not-now' } : { kind: 'failed', letters: letters.length, error };
    }
    const { group, topic, partition, parkKey, redriveId } = item;
    const fields = { group, topic, partition, slip: parkKey, redrive: redriveId, letters: letters.length };
    if (letters.length > 0) this.#options.log('dead letters handled', fields);
    return { kind: 'done', letters: letters.length };
  }

  async #handle(
    tx: Tx,
    { subscription }: RedriveConsumer,
    { topic, partition }: RedriveItem,
    letters: readonly ParkedRecord[],
  ): Promise<void> {
    if (letters.length === 0) return;
    const records = letters.map(({ id: _, ...record }) =>
      recordAgain({ ...record, topic, partition }, subscription.sequenced),
    );
    await subscription.handle(tx, { topic, partition, records, resent: [] });
  }

  async #giveBack(consumer: RedriveConsumer, item: RedriveItem, error: unknown): Promise<boolean> {
    const { queue, store, log } = this.#options;
    const refusal = refusalOf(error, store)!;
    const { group, topic, partition, parkKey, redriveId } = item;
    const owned = await consumer.release(partition, async (tx) => {
      const [letter] = await queue.take(tx, item, 1);
      if (letter) await queue.failed(tx, letter, item, refusal);
      return [];
    });
    if (owned)
      log('a dead letter failed again', {
        group,
        topic,
        partition,
        slip: parkKey,
        redrive: redriveId,
        ...refusal,
      });
    return owned;
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

type Step =
  | { readonly kind: 'done'; readonly letters: number }
  | { readonly kind: 'failed'; readonly letters: number; readonly error: unknown }
  | { readonly kind: 'not-now' };

function nameOf({ group, topic, partition }: OwnedPlace): string {
  return `${group} ${topic} ${partition}`;
}
