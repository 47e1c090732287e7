import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '@slipstream/kernel';
import { type Chunk, planChunk, positionAfter, type SetAside } from './chunk.ts';
import { classifyError } from './classify-error.ts';
import { keyText, traceIdIn } from './dead-letter.ts';
import { describeError, type Log } from './log.ts';
import type { Message } from './message.ts';
import type { ConsumerMetrics } from './metrics.ts';
import { keyOf, type Neighbours, neighboursOf } from './neighbours.ts';
import type { Batch, ConsumedRecord, ConsumerStore, PartitionPosition, Subscription } from './ports.ts';
import { reasonOf, rejectionsOf } from './read-again.ts';

export interface ChunkRunnerOptions<Tx> {
  readonly store: ConsumerStore<Tx>;
  readonly subscription: Subscription<Tx>;
  readonly batchRecordsMax: number;
  readonly attemptsMax: number;
  readonly attemptDelayMs: number;
  readonly metrics: ConsumerMetrics;
  readonly log: Log;
  /** Shared by all partitions of a consumer. */
  readonly neighbours: Neighbours;
}

/**
 * The batch cannot go on now: the partition waits (`transient`; `shared`: the handler fails alike for records of several
 * keys) or is no longer ours (`fenced`).
 */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly kind: 'fenced' | 'transient' | 'shared';

  constructor(kind: Interrupted['kind'], cause: unknown) {
    super(describeError(cause).detail, { cause });
    this.kind = kind;
  }
}

/** Reruns of one chunk without what was rejected, before its records are tried one by one. */
const rerunsMax = 16;

/** Commits chunks of fetched messages and decides what becomes of a failure (rule 9). */
export class ChunkRunner<Tx> {
  readonly #options: ChunkRunnerOptions<Tx>;
  position: PartitionPosition;

  constructor(options: ChunkRunnerOptions<Tx>, position: PartitionPosition) {
    this.#options = options;
    this.position = position;
  }

  /**
   * Commits the next chunk. `goOn` is asked between transactions when one chunk takes many of them; when it says no,
   * the chunk returned ends early. @throws Interrupted; nothing of the failing transaction is kept
   */
  async next(messages: readonly Message[], from: number, goOn: () => Promise<boolean>): Promise<Chunk> {
    const setAside = new Map<number, SetAside>();
    for (let reruns = 0; ; reruns++) {
      const chunk = this.#plan(messages, from, this.#options.batchRecordsMax, setAside);
      const error = await this.#tryCommit(chunk);
      if (error === null) return chunk;
      if (reruns === rerunsMax || !takeOut(error, chunk, setAside))
        return this.#oneByOne(messages, from, chunk.end, goOn);
      if (!(await goOn())) return this.#plan(messages, from, 0, setAside);
    }
  }

  /** Moves the stored offset past records that no handler is to see. @throws Interrupted */
  async skipTo(nextOffset: number): Promise<void> {
    if (nextOffset <= this.position.nextOffset) return;
    const chunk: Chunk = { ...this.#plan([], 0, 0, new Map()), nextOffset };
    const error = await this.#tryCommit(chunk);
    if (error !== null) throw new Interrupted('transient', error);
  }

  async #oneByOne(
    messages: readonly Message[],
    from: number,
    to: number,
    goOn: () => Promise<boolean>,
  ): Promise<Chunk> {
    for (let at = from; ; ) {
      const chunk = await this.#one(messages, at);
      at = chunk.end;
      if (chunk.lost !== null || at >= to || !(await goOn())) return chunk;
    }
  }

  async #one(messages: readonly Message[], at: number): Promise<Chunk> {
    const setAside = new Map<number, SetAside>();
    for (let attempts = 1; ; attempts++) {
      const chunk = this.#plan(messages, at, 1, setAside);
      const error = await this.#tryCommit(chunk);
      if (error === null) return chunk;
      // Not even the dead letter could be stored: that is no fault of the record.
      if (setAside.size > 0) throw new Interrupted('transient', error);
      const reason = reasonOf(error, this.#options.store);
      if (reason === 'failed' && attempts < this.#options.attemptsMax) {
        const limits = { minMs: this.#options.attemptDelayMs, maxMs: 1_000 };
        await sleep(backoffMs(attempts, limits, Math.random()));
      } else {
        if (reason === 'failed') await this.#mustBeItsOwn(messages, at, error);
        setAside.set(messages[at]!.offset, { reason, ...describeError(error), attempts });
      }
    }
  }

  /** @throws Interrupted when records of other keys fail with the same class of error */
  async #mustBeItsOwn(messages: readonly Message[], at: number, error: unknown): Promise<void> {
    const { offset, key: bytes } = messages[at]!;
    const key = keyOf({ key: bytes, offset });
    const ownClass = classOf(error);
    const ahead = this.#plan(messages, at, this.#options.batchRecordsMax, new Map());
    let alike = 0;
    for (const neighbour of neighboursOf(ahead, offset, key)) {
      const failure = await this.#probe(neighbour);
      if (failure === null) return this.#options.neighbours.setAside(key, ownClass);
      if (classOf(failure) === ownClass) alike++;
    }
    if (alike > 0 || this.#options.neighbours.failAlike(key, ownClass))
      throw new Interrupted('shared', error);
    this.#options.neighbours.setAside(key, ownClass);
  }

  /** Handles one record and keeps nothing of it; gives the handler's error, or null when all went well. */
  async #probe(record: ConsumedRecord): Promise<unknown> {
    const { store, subscription } = this.#options;
    const { topic, partition } = this.position;
    let isHandled = false;
    const batch: Batch = { topic, partition, records: [record], resent: [] };
    try {
      await subscription.prepare?.(this.position, batch, []);
      await store.commit(this.position, null, async (tx) => {
        await subscription.handle(tx, batch);
        isHandled = true;
        throw new Error('a probe keeps nothing');
      });
    } catch (error) {
      if (isHandled) return null;
      const failure = classifyError(error, store);
      if (failure === 'fenced' || failure === 'transient') throw new Interrupted(failure, error);
      return error;
    }
    return null;
  }

  #plan(
    messages: readonly Message[],
    from: number,
    recordsMax: number,
    setAside: Map<number, SetAside>,
  ): Chunk {
    const { sequenced } = this.#options.subscription;
    return planChunk({ position: this.position, sequenced, messages, from, recordsMax, setAside });
  }

  /** Gives the handler's or the store's error, or null when the chunk is committed. */
  async #tryCommit(chunk: Chunk): Promise<unknown> {
    const { position } = this;
    if (chunk.nextOffset === position.nextOffset) return null;
    const { store, subscription } = this.#options;
    const { topic, partition } = position;
    const { records, resent, deadLetters, sources, nextOffset } = chunk;
    const batch: Batch = { topic, partition, records, resent };
    const waiting = deadLetters.filter(({ parkKey }) => parkKey !== null);
    const work = async (tx: Tx): Promise<void> => {
      const isAny = records.length + resent.length + deadLetters.length > 0;
      if (subscription.keep) return isAny ? subscription.keep(tx, batch, deadLetters) : undefined;
      if (records.length + resent.length > 0) await subscription.handle(tx, batch);
      if (waiting.length > 0) await subscription.setAside?.(tx, partition, waiting);
    };
    const startedMs = performance.now();
    try {
      const prepared = await subscription.prepare?.(position, batch, waiting);
      await store.commit(position, { nextOffset, sources, deadLetters }, work);
      prepared?.committed();
    } catch (error) {
      const failure = classifyError(error, store);
      if (failure === 'fenced' || failure === 'transient') throw new Interrupted(failure, error);
      return error ?? new Error('rejected with nothing');
    }
    this.position = positionAfter(position, chunk);
    if (records.length > 0) this.#options.neighbours.handled();
    this.#count(chunk, performance.now() - startedMs);
    return null;
  }

  #count(chunk: Chunk, durationMs: number): void {
    const { metrics, log } = this.#options;
    const { group, topic, partition } = this.position;
    const appendedMs = chunk.records[0]?.timestampMs ?? null;
    metrics.batchHandled?.(topic, partition, chunk.records.length, durationMs, appendedMs);
    if (chunk.resent.length > 0) metrics.resent?.(topic, partition, chunk.resent.length);
    for (const { reason, record, parkKey, errorClass, detail, attempts } of chunk.deadLetters) {
      metrics.deadLettered?.(topic, partition, reason);
      if (reason === 'parked_behind') continue;
      const { offset } = record;
      const key = keyText(record.key);
      const place = { group, topic, partition, offset, key, ...(parkKey !== null && { slipId: parkKey }) };
      const traceId = traceIdIn(record);
      log.warn('dead letter', {
        ...place,
        ...(traceId !== null && { traceId }),
        reason,
        errorClass,
        detail,
        attempts,
      });
    }
  }
}

/** What makes two errors alike: their kind, not their words, which may name the record. */
function classOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return `${describeError(error).errorClass} ${typeof code === 'string' ? code : ''}`;
}

/** Marks the records that the handler named, so that the chunk can be run again without them; false when it cannot. */
function takeOut(error: unknown, chunk: Chunk, setAside: Map<number, SetAside>): boolean {
  const here = new Set([...chunk.records, ...chunk.resent].map((record) => record.offset));
  const before = setAside.size;
  for (const { record, detail, reason = 'rejected' } of rejectionsOf(error)) {
    if (!here.has(record.offset)) continue;
    setAside.set(record.offset, { reason, ...describeError(error), detail, attempts: 1 });
  }
  return setAside.size > before;
}
