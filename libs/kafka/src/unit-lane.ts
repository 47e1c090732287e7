import { setImmediate as breathe } from 'node:timers/promises';
import { restMs } from '@slipstream/kernel';
import type { ConsumerMetrics } from './metrics.ts';
import type { ConsumerStore, Subscription, UnitHandler } from './ports.ts';
import { GrowingSpan } from './span.ts';
import type { UnitQueue } from './unit-queue.ts';

/** What the lane needs of a partition. */
export interface LanePartition {
  readonly partition: number;
  readonly queue: UnitQueue;
  /** Of its queue, unless that waits for people: it takes no room from the others then. */
  readonly waitingBytes: number;
  /** It is owned and open, nothing else runs on it, and something waits. */
  readonly canJoin: boolean;
  /** Its last unit failed: the next is its own, so that what is wrong with it hits nobody else. */
  readonly isAlone: boolean;
  /** What it has next is not for a unit, whatever it is. */
  readonly isOdd: boolean;
  /** The next record is not for a unit. */
  odd(): void;
  committed(span: GrowingSpan): void;
  /** The unit came to nothing, and what is in memory with it. `span`: null when it was not in the unit that failed. */
  failed(error: unknown, span: GrowingSpan | null, wasAlone: boolean): void;
}

export interface UnitLaneOptions<Tx> {
  readonly store: ConsumerStore<Tx>;
  readonly subscription: Subscription<Tx>;
  readonly handler: UnitHandler<Tx>;
  readonly metrics: ConsumerMetrics;
  readonly unitRecordsMax: number;
  /** Fetched and not in a unit yet, over all partitions, before the next fetch waits; and a unit takes no more than that. */
  readonly waitingBytesMax: number;
}

class Unit {
  /** When it took its first record. */
  begunAtMs = 0;
  readonly spans = new Map<LanePartition, GrowingSpan>();
  isAlone = false;

  get records(): number {
    let sum = 0;
    for (const { records } of this.spans.values()) sum += records;
    return sum;
  }

  get bytes(): number {
    let sum = 0;
    for (const { bytes } of this.spans.values()) sum += bytes;
    return sum;
  }
}

/** When nobody waits for what was taken, a unit comes so many times later ({@link restMs}). */
const unawaitedTimes = 3;

/** Records between two breaths of the process. */
const breathRecords = 2_048;

/**
 * Makes units of what the partitions of a consumer have waiting, one transaction each: under load large ones, and while
 * one is committed the next is folded; when it is quiet, each event at once, and in between those of a few milliseconds
 * together.
 */
export class UnitLane<Tx> {
  readonly #options: UnitLaneOptions<Tx>;
  readonly #partitions = new Set<LanePartition>();
  readonly #unitsAtOnce: number;
  #unit = new Unit();
  /** On their way to the store, and when each has ended there, one way or the other. */
  readonly #flying = new Map<Unit, Promise<void>>();
  #isStopping = false;
  #isWoken = false;
  #begunAtMs = Number.NEGATIVE_INFINITY;
  #tookMs = 0;
  /** Those who wait until no unit holds anything of a partition. */
  #settling = 0;
  #wake = (): void => {};
  #running: Promise<void> = Promise.resolve();

  constructor(options: UnitLaneOptions<Tx>) {
    this.#options = options;
    this.#unitsAtOnce = options.handler.unitsAtOnce ?? 1;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** What is on its way to the store ends; what was only folded is dropped. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.wake();
    await this.#running;
  }

  join(partition: LanePartition): void {
    this.#partitions.add(partition);
  }

  /** Assigned away, or opened anew. */
  leave(partition: LanePartition): void {
    this.#partitions.delete(partition);
    this.#unit.spans.delete(partition);
    this.wake();
  }

  wake(): void {
    this.#isWoken = true;
    this.#wake();
  }

  /** Whether more may be fetched. */
  get hasRoom(): boolean {
    let bytes = 0;
    for (const { waitingBytes } of this.#partitions) bytes += waitingBytes;
    return bytes <= this.#options.waitingBytesMax;
  }

  /** Resolves when no unit holds anything of the partition. It must not join meanwhile. */
  async settled(partition: LanePartition): Promise<void> {
    this.#settling += 1;
    while (this.#isFlying(partition) || this.#unit.spans.has(partition)) {
      if (this.#isStopping && this.#flying.size === 0) break;
      this.wake();
      await (this.#flying.size > 0 ? this.#landing() : breathe());
    }
    this.#settling -= 1;
  }

  async #run(): Promise<void> {
    for (let records = 0; !this.#isStopping; ) {
      const grown = this.#grow();
      records += grown;
      if (records >= breathRecords) {
        records = 0;
        await breathe();
      }
      const isFull = this.#isFull();
      if (grown > 0 && !isFull) continue;
      if (this.#unit.spans.size === 0) await this.#woken();
      else if (this.#flying.size < this.#unitsAtOnce) {
        const waitMs = isFull ? 0 : this.#commitInMs();
        if (waitMs > 0) await this.#woken(waitMs);
        else this.#commit();
      }
      // While others are committed, this one takes what comes.
      else if (isFull) await this.#landing();
      else await Promise.race([this.#landing(), this.#woken()]);
    }
    await Promise.all(this.#flying.values());
  }

  /** Until one of those that are under way has ended. */
  #landing(): Promise<void> {
    return Promise.race(this.#flying.values());
  }

  #isFlying(partition: LanePartition): boolean {
    for (const unit of this.#flying.keys()) if (unit.spans.has(partition)) return true;
    return false;
  }

  #commitInMs(): number {
    if (this.#settling > 0) return 0;
    const { handler } = this.#options;
    const isAwaited = handler.isAwaited?.() ?? true;
    const pauseMs = this.pauseMs;
    const atMs = isAwaited
      ? this.#begunAtMs + pauseMs
      : Math.max(
          this.#begunAtMs + unawaitedTimes * pauseMs,
          this.#unit.begunAtMs + (handler.patienceMs ?? 0),
        );
    return atMs - performance.now();
  }

  /** Between the beginnings of two transactions while records trickle in; the first after a pause is at once. */
  get pauseMs(): number {
    return restMs(this.#tookMs);
  }

  #isFull(): boolean {
    const { unitRecordsMax, waitingBytesMax } = this.#options;
    return this.#unit.records >= unitRecordsMax || this.#unit.bytes >= waitingBytesMax;
  }

  /** Takes some more into the unit; the number of records, or 1 when another look is needed. */
  #grow(): number {
    const partition = this.#next();
    if (!partition) return 0;
    const { handler, unitRecordsMax } = this.#options;
    const { spans } = this.#unit;
    let span = spans.get(partition);
    if (partition.isOdd) {
      partition.odd();
      return 1;
    }
    try {
      if (!span) {
        span = new GrowingSpan(partition.queue.position);
        handler.begin(partition.partition);
        if (spans.size === 0) this.#unit.begunAtMs = performance.now();
        spans.set(partition, span);
      }
      const before = span.records;
      const end = partition.queue.grow(handler, span, unitRecordsMax - this.#unit.records);
      if (!span.hasMoved) spans.delete(partition);
      else this.#unit.isAlone = partition.isAlone;
      if (end === 'odd') partition.odd();
      // The partitions take turns.
      this.#partitions.delete(partition);
      this.#partitions.add(partition);
      return span.records - before + 1;
    } catch (error) {
      spans.delete(partition);
      partition.failed(error, span ?? null, true);
      return 1;
    }
  }

  /**
   * Where several units are under way at once, no two of them have records of the same partition; so one takes all that
   * waits of one partition before it takes another, and leaves others to the next.
   */
  #next(): LanePartition | undefined {
    const { isAlone, spans } = this.#unit;
    const isAmongSeveral = this.#unitsAtOnce > 1;
    let other: LanePartition | undefined;
    for (const partition of this.#partitions) {
      if (!partition.canJoin) continue;
      const isIn = spans.has(partition);
      if (isAmongSeveral && !isIn && this.#isFlying(partition)) continue;
      const isJoining = isAlone && spans.size > 0 ? isIn : !partition.isAlone || spans.size === 0;
      if (!isJoining) continue;
      if (isIn || !isAmongSeveral) return partition;
      other ??= partition;
    }
    return other;
  }

  #commit(): void {
    const unit = this.#unit;
    this.#unit = new Unit();
    this.#begunAtMs = performance.now();
    for (const [partition, span] of unit.spans) partition.queue.planned(span);
    const landed = this.#write(unit).then(
      () => this.#landed(unit, null),
      (error) => this.#landed(unit, error ?? new Error('rejected with nothing')),
    );
    this.#flying.set(unit, landed);
  }

  async #write(unit: Unit): Promise<void> {
    const { store, handler, subscription, metrics } = this.#options;
    const spans = [...unit.spans.values()].sort((a, b) => a.position.partition - b.position.partition);
    const startedMs = performance.now();
    const work = handler.unit(spans);
    await work.prepare?.();
    const moves = spans.map((span) => span.toMove());
    await store.commitUnit(moves, (tx) => work.write(tx));
    work.committed?.();
    const durationMs = performance.now() - startedMs;
    this.#tookMs = durationMs;
    for (const { position, records, appendedMs } of spans)
      metrics.batchHandled?.(subscription.topic, position.partition, records, durationMs, appendedMs);
  }

  #landed(unit: Unit, error: unknown): void {
    this.#flying.delete(unit);
    if (error === null) for (const [partition, span] of unit.spans) partition.committed(span);
    else this.#drop(unit, error);
    this.wake();
  }

  /** What was folded on top of a unit that failed counts no more than the unit itself. */
  #drop(unit: Unit, error: unknown): void {
    const ahead =
      this.#unitsAtOnce > 1
        ? []
        : [...this.#unit.spans.keys()].filter((partition) => !unit.spans.has(partition));
    if (this.#unitsAtOnce === 1) this.#unit = new Unit();
    for (const [partition, span] of unit.spans) partition.failed(error, span, unit.isAlone);
    for (const partition of ahead) partition.failed(error, null, false);
  }

  /** Or, at the latest, in `ms`. */
  async #woken(ms?: number): Promise<void> {
    if (!this.#isWoken) {
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#isWoken = false;
  }
}
