import { setTimeout as sleep } from 'node:timers/promises';
import { type BatchConsumer, recordAgain, refusalOf } from '@slipstream/kafka';
import type { ParkedRecord, PgConsumerStore, RedriveItem, RedriveQueue, Tx } from '@slipstream/postgres';

export type RedriveConsumer = Pick<BatchConsumer<Tx>, 'subscription' | 'positions' | 'release'>;

export interface ItemRedriveOptions {
  readonly queue: RedriveQueue;
  readonly store: Pick<PgConsumerStore, 'classify'>;
  readonly log: (message: string, fields: object) => void;
}

/** Letters of one transaction. */
const lettersMax = 100;

/** Reads the dead letters of one slip again, or one that stands alone, through the handler that set them aside. */
export class ItemRedrive {
  readonly #options: ItemRedriveOptions;
  readonly #stopping: AbortSignal;

  constructor(options: ItemRedriveOptions, stopping: AbortSignal) {
    this.#options = options;
    this.#stopping = stopping;
  }

  /** Reads a slip's letters until none is left or one fails again. False: the partition is not ours now, or waits. */
  async redrive(consumer: RedriveConsumer, item: RedriveItem): Promise<boolean> {
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
      if (this.#stopping.aborted) return false;
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
    const fields = { group, topic, partition, slipId: parkKey, redrive: redriveId, letters: letters.length };
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
        slipId: parkKey,
        redrive: redriveId,
        ...refusal,
      });
    return owned;
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping }).catch(() => {});
  }
}

type Step =
  | { readonly kind: 'done'; readonly letters: number }
  | { readonly kind: 'failed'; readonly letters: number; readonly error: unknown }
  | { readonly kind: 'not-now' };
