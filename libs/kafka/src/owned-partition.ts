import { setTimeout as sleep } from 'node:timers/promises';
import { ChunkRunner, type ChunkRunnerOptions, Interrupted } from './chunk-runner.ts';
import { classifyError } from './classify-error.ts';
import type { FetchControl, Fetched } from './fetch-control.ts';
import { FetchGuard } from './fetch-guard.ts';
import { describeError } from './log.ts';
import type { PartitionPosition, UnitHandler } from './ports.ts';
import { recordsOf } from './record-walk.ts';
import { retryDelayMs } from './retry-delay.ts';
import type { GrowingSpan } from './span.ts';
import type { LanePartition, UnitLane } from './unit-lane.ts';
import { UnitQueue } from './unit-queue.ts';

export interface OwnedPartitionOptions<Tx> extends ChunkRunnerOptions<Tx> {
  readonly control: FetchControl;
  /** After a fence without a new assignment: by then a dead membership has shown itself. */
  readonly fencedRetryMs: number;
  /** How often a stopped partition looks whether people let it go on. */
  readonly decisionPollMs: number;
  /** Where a handler of units takes its records. */
  readonly lane: UnitLane<Tx> | null;
}

/**
 * `claiming`: taking the partition in the store; `waiting`: a transient error, a timer runs; `fenced`: another owner
 * moved on; `stopped`: records were lost, people must look; `gone`: assigned away.
 */
export type PartitionStatus = 'claiming' | 'ready' | 'waiting' | 'fenced' | 'stopped' | 'gone';

/** What is done beside a transaction, while nothing else runs on the partition. */
export interface Around {
  prepare(position: PartitionPosition): Promise<void>;
  committed(): void;
}

/** One assigned partition, from its claim to the next rebalance. It is fetched only while `ready`. */
export class OwnedPartition<Tx> implements LanePartition {
  readonly partition: number;
  readonly #options: OwnedPartitionOptions<Tx>;
  #status: PartitionStatus = 'claiming';
  #why = '';
  #runner: ChunkRunner<Tx> | null = null;
  #guard: FetchGuard | null = null;
  #failures = 0;
  /** Where what was handled failed; null: nothing but claims did. */
  #failedAt: number | null = null;
  #doubts = 0;
  #isShared = false;
  #timer: NodeJS.Timeout | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  /** Running or waiting to run by themselves. */
  #turns = 0;
  #queue: UnitQueue | null = null;
  /** Units take this partition alone up to here, and none takes it up to there, because one failed. */
  #aloneUntil = -1;
  #oddUntil = -1;
  /** The handler of units has something of this partition in memory. */
  #isOpen = false;

  constructor(partition: number, options: OwnedPartitionOptions<Tx>) {
    this.partition = partition;
    this.#options = options;
  }

  get status(): PartitionStatus {
    return this.#status;
  }

  get why(): string {
    return this.#why;
  }

  /** Waits because the handler fails alike for records of several keys: no single record is at fault. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** Transient failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** The stored offset, or past it what the client filtered out; -1 when nothing is known. */
  get reached(): number {
    const stored = this.#runner?.position.nextOffset ?? -1;
    return this.#options.lane ? stored : Math.max(this.#guard?.reached ?? -1, stored);
  }

  /** Null until claimed and while it is unsure whether the position still holds. */
  get position(): PartitionPosition | null {
    return this.#status === 'ready' || this.#status === 'stopped' ? this.#runner!.position : null;
  }

  /** Takes the partition, however long the store is away, then lets it be fetched from the stored offset. */
  async claim(): Promise<void> {
    if (this.#status === 'gone' || this.#status === 'stopped') return;
    this.#status = 'claiming';
    const { store, subscription, control } = this.#options;
    const doubts = this.#doubts;
    try {
      this.#closeUnits();
      const topicId = await control.topicId();
      const position = await store.claim(subscription.group, subscription.topic, this.partition, topicId);
      if (this.#isGone()) return;
      this.#runner = new ChunkRunner(this.#options, position);
      this.#guard = new FetchGuard(position.nextOffset);
      if (topicId !== null && position.topicId !== topicId) return this.stop(anotherTopic(position, topicId));
      await this.#openUnits(position);
      if (this.#isGone()) return this.#closeUnits();
      if (doubts !== this.#doubts) return this.claim();
      this.#status = 'ready';
      this.#why = '';
      // Else a record has to go well first; but there may be none for long.
      if (this.#failedAt === null || position.nextOffset > this.#failedAt) this.#recovered();
      // Kafka may have committed more than the store knows, after a restored database up to the log's end.
      control.seek(this.partition, Math.max(position.nextOffset, 0));
      control.resume(this.partition);
    } catch (error) {
      this.#wait(error);
    }
  }

  /** The store may be another one, with another position: what runs ends first, then the partition is claimed anew. */
  claimAnew(): void {
    this.#doubts++;
    if (this.#status !== 'ready') return; // any other claims before it goes on
    this.#status = 'claiming';
    this.#options.control.pause(this.partition);
    void this.#inTurn(() => this.claim());
  }

  /** Assigned away: what still runs ends at its next step, and the fence rejects what it would commit. */
  abandon(): void {
    this.#status = 'gone';
    this.#recovered();
    clearTimeout(this.#timer);
    this.#closeUnits();
    const { metrics, subscription } = this.#options;
    metrics.left?.(subscription.topic, this.partition);
  }

  /** The client saw only records it filters out and moved past them: so does the stored offset, which others wait for. */
  filtered(firstOffset: number, lastOffset: number): void {
    if (this.#status !== 'ready') return;
    this.#guard!.filtered(firstOffset, lastOffset);
    const { reached } = this.#guard!;
    if (this.#queue) {
      if (reached > this.#queue.nextOffset) this.#queue.push([], this.#queue.nextOffset, reached);
      this.#options.lane!.wake();
      return;
    }
    void this.#inTurn(() => this.#runner!.skipTo(reached)).catch((error) => this.#interrupted(error));
  }

  /** Handles one answer of the broker. Never rejects (K2). */
  async handle(fetched: Fetched): Promise<void> {
    if (this.#status !== 'ready') {
      if (this.#status !== 'gone') this.#options.control.pause(this.partition);
      return;
    }
    try {
      if (!(await this.#accepts(fetched))) return;
      if (this.#queue) await this.#offer(this.#queue, fetched);
      else await this.#handleChunks(fetched);
    } catch (error) {
      this.#interrupted(error);
    }
  }

  /** Runs `work` under the fence, between two batches. False: not ours now, nothing was kept. */
  async inPartition(
    work: (tx: Tx, position: PartitionPosition) => Promise<void>,
    around?: Around,
  ): Promise<boolean> {
    return this.#inTurn(async () => {
      const { position } = this;
      if (!position) return false;
      let isSent = false;
      try {
        await around?.prepare(position);
        if (this.position !== position) return false;
        isSent = true;
        await this.#options.store.commit(position, null, (tx) => work(tx, position));
        around?.committed();
        return true;
      } catch (error) {
        if (classifyError(error, this.#options.store) !== 'fenced') {
          // Its answer may be lost, and memory must not differ from the store.
          if (isSent && this.#queue && this.#status === 'ready') this.#wait(error);
          throw error;
        }
        this.#interrupted(new Interrupted('fenced', error));
        return false;
      }
    });
  }

  /**
   * As {@link inPartition}, for records that waited: the keys that `work` gives wait no longer. Only while the partition
   * runs: one that stopped has lost records, and what waits may stand behind them. @throws the error of `work`
   */
  async release(work: (tx: Tx, position: PartitionPosition) => Promise<readonly string[]>): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#status !== 'ready') return false;
      const runner = this.#runner!;
      let keys: readonly string[] = [];
      try {
        await this.#options.store.commit(runner.position, null, async (tx) => {
          keys = await work(tx, runner.position);
        });
      } catch (error) {
        const failure = classifyError(error, this.#options.store);
        if (failure === 'fenced') this.#interrupted(new Interrupted('fenced', error));
        // Its answer may be lost, so which keys still wait is read anew.
        else if (failure === 'transient') this.#wait(error);
        if (failure === 'fenced') return false;
        throw error;
      }
      runner.position = withoutKeys(runner.position, keys);
      this.#queue?.movedTo(runner.position);
      return true;
    });
  }

  stop(why: string): void {
    if (this.#status === 'gone' || this.#status === 'stopped') return;
    clearTimeout(this.#timer);
    const { control, subscription, metrics, log } = this.#options;
    const { group, topic } = subscription;
    this.#status = 'stopped';
    this.#why = why;
    control.pause(this.partition);
    metrics.stopped?.(topic, this.partition, true);
    log.error('partition stopped', { group, topic, partition: this.partition, why });
    void this.#awaitDecision(false);
  }

  /** People may let it go on, by way of any instance: what they decided stands in the store. */
  async #awaitDecision(isKept: boolean): Promise<void> {
    const { store, subscription, log, decisionPollMs } = this.#options;
    if (!store.stops || !this.#isStopped()) return;
    const place = { group: subscription.group, topic: subscription.topic, partition: this.partition };
    let kept = isKept;
    try {
      if (!kept) await store.stops.keep(place, this.#why);
      else if (await store.stops.isOver(place)) return await this.#decided(place);
      kept = true;
    } catch (error) {
      log.warn('a stopped partition was not looked after', { ...place, ...describeError(error) });
    }
    if (this.#isStopped()) this.#timer = setTimeout(() => void this.#awaitDecision(kept), decisionPollMs);
  }

  async #decided(place: object): Promise<void> {
    if (!this.#isStopped()) return;
    const { log, metrics, subscription } = this.#options;
    log.info('a stopped partition goes on', { ...place });
    metrics.stopped?.(subscription.topic, this.partition, false);
    this.#status = 'claiming';
    await this.#inTurn(() => this.claim());
  }

  #isStopped(): boolean {
    return this.#status === 'stopped';
  }

  async #accepts({ fetchedOffset, lastOffset, highWatermark }: Fetched): Promise<boolean> {
    const { control } = this.#options;
    const { nextOffset } = this.#queue ?? this.#runner!.position;
    const answer = { fetchedOffset, lastOffset, highWatermark };
    const verdict = await this.#guard!.check(answer, nextOffset, () => control.logStart(this.partition));
    if (verdict.kind === 'seek') control.seek(this.partition, verdict.offset);
    if (verdict.kind === 'lost') this.stop(verdict.why);
    return verdict.kind === 'handle';
  }

  async #handleChunks({ batches, fetchedOffset, lastOffset, resolve, goOn }: Fetched): Promise<void> {
    const messages = recordsOf(batches, fetchedOffset);
    for (let at = 0; at < messages.length; ) {
      const chunk = await this.#inTurn(() => this.#runner!.next(messages, at, goOn));
      this.#recovered();
      this.#guard!.advanced(chunk.nextOffset);
      at = chunk.end;
      if (this.#isGone()) return;
      if (at > 0) resolve(messages[at - 1]!.offset);
      if (chunk.lost !== null) return this.stop(chunk.lost);
      if (this.#status !== 'ready' || !(await goOn())) return;
    }
    // Compaction may have taken the last records of a batch away: nothing is left of it.
    if (this.reached <= lastOffset) this.filtered(this.reached, lastOffset);
    resolve(lastOffset);
  }

  /** Puts it into the queue of the units, and lets the next fetch begin when there is room. */
  async #offer(
    queue: UnitQueue,
    { batches, fetchedOffset, lastOffset, resolve, goOn }: Fetched,
  ): Promise<void> {
    const lane = this.#options.lane!;
    queue.push(batches, fetchedOffset, lastOffset + 1);
    this.#guard!.advanced(lastOffset + 1);
    resolve(lastOffset);
    lane.wake();
    while (!lane.hasRoom && this.#queue === queue) {
      await sleep(roomWaitMs);
      if (!(await goOn())) return;
    }
  }

  get queue(): UnitQueue {
    return this.#queue!;
  }

  get waitingBytes(): number {
    return this.#status === 'stopped' ? 0 : (this.#queue?.bytes ?? 0);
  }

  get canJoin(): boolean {
    return this.#status === 'ready' && this.#turns === 0 && this.#queue?.isEmpty === false;
  }

  get isOdd(): boolean {
    return this.#queue!.position.nextOffset < this.#oddUntil;
  }

  get isAlone(): boolean {
    return this.#runner!.position.nextOffset < this.#aloneUntil;
  }

  odd(): void {
    void this.#inTurn(() => this.#handleOdd()).catch((error) => this.#interrupted(error));
  }

  committed(span: GrowingSpan): void {
    if (this.#isGone()) return;
    this.#runner!.position = span.after();
    this.#recovered();
    if (span.records > 0) this.#options.neighbours.handled();
  }

  failed(error: unknown, span: GrowingSpan | null, wasAlone: boolean): void {
    if (this.#isGone() || this.#status === 'stopped') return;
    const failure = span === null ? null : classifyError(error, this.#options.store);
    const fenced = (error as { partitions?: readonly number[] } | null)?.partitions;
    const isFenced = failure === 'fenced';
    // What fails with all others may go well alone; what fails alone is looked at record by record.
    if (span !== null && !isFenced) {
      this.#aloneUntil = span.nextOffset;
      // The one that could not be taken is the one at its end.
      if (wasAlone && failure !== 'transient') this.#oddUntil = span.nextOffset + 1;
    }
    if (isFenced && (fenced === undefined || fenced.includes(this.partition))) {
      this.#interrupted(new Interrupted('fenced', error));
    } else if (failure === 'transient' && wasAlone) {
      this.#wait(error);
    } else {
      this.#openAgain(error);
    }
  }

  #openAgain(error: unknown): void {
    this.#status = 'waiting';
    this.#why = describeError(error).detail;
    this.#options.control.pause(this.partition);
    this.#closeUnits();
    this.#claimIn(0);
  }

  /** Handles the next records by themselves: those about which a rule has something to say, and those of a failed unit. */
  async #handleOdd(): Promise<void> {
    const queue = this.#queue;
    if (this.#status !== 'ready' || queue === null) return;
    const runner = this.#runner!;
    queue.movedTo(runner.position);
    const records = queue.oddRecords(this.#oddUntil, this.#options.batchRecordsMax);
    if (records.length === 0) await runner.skipTo(queue.nextOffset);
    for (let from = 0; from < records.length; ) {
      const chunk = await runner.next(records, from, async () => this.#status === 'ready');
      this.#recovered();
      from = chunk.end;
      if (this.#isGone()) return;
      if (chunk.lost !== null) return this.stop(chunk.lost);
      if (this.#status !== 'ready') return;
    }
    queue.movedTo(runner.position);
  }

  async #openUnits(position: PartitionPosition): Promise<void> {
    const { lane } = this.#options;
    if (!lane) return;
    this.#isOpen = true;
    await this.#handler!.open(position);
    if (this.#isGone()) return;
    this.#queue = new UnitQueue(position);
    lane.join(this);
  }

  /** What is in memory of the partition counts no more. */
  #closeUnits(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#queue = null;
    this.#options.lane!.leave(this);
    this.#handler!.close(this.partition);
  }

  get #handler(): UnitHandler<Tx> | undefined {
    return this.#options.subscription.units;
  }

  #interrupted(error: unknown): void {
    if (this.#status === 'gone' || this.#status === 'stopped') return;
    if (!(error instanceof Interrupted && error.kind === 'fenced')) {
      this.#wait(error);
      return;
    }
    const { control, subscription, metrics, fencedRetryMs } = this.#options;
    this.#status = 'fenced';
    this.#why = 'another owner moved on';
    control.pause(this.partition);
    this.#closeUnits();
    metrics.fenced?.(subscription.topic, this.partition);
    this.#claimIn(fencedRetryMs);
  }

  /** Whether the failed transaction was committed is unknown (its answer may be lost), so the position is read anew. */
  #wait(error: unknown): void {
    if (this.#isGone()) return;
    const { control, subscription, metrics, log } = this.#options;
    const { errorClass, detail } = describeError(error instanceof Interrupted ? error.cause : error);
    this.#isShared = error instanceof Interrupted && error.kind === 'shared';
    if (this.#status === 'ready') this.#failedAt = this.#runner!.position.nextOffset;
    this.#status = 'waiting';
    this.#why = `${this.#isShared ? 'records of several keys fail alike: ' : ''}${errorClass}: ${detail}`;
    this.#failures++;
    control.pause(this.partition);
    this.#closeUnits();
    metrics.retried?.(subscription.topic, this.partition, errorClass);
    metrics.waiting?.(subscription.topic, this.partition, true);
    const delayMs = Math.round(retryDelayMs(this.#failures));
    const { group, topic } = subscription;
    log.warn('partition waits', { group, topic, partition: this.partition, delayMs, errorClass, detail });
    this.#claimIn(delayMs);
  }

  #recovered(): void {
    if (this.#failures > 0)
      this.#options.metrics.waiting?.(this.#options.subscription.topic, this.partition, false);
    this.#failures = 0;
    this.#failedAt = null;
    this.#isShared = false;
  }

  #claimIn(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.claim(), delayMs);
  }

  #isGone(): boolean {
    return this.#status === 'gone';
  }

  /** One after the other, and when no unit holds anything of the partition. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const { lane } = this.#options;
    this.#turns += 1;
    const turn = this.#tail.then(() => lane?.settled(this)).then(work);
    const ended = () => {
      this.#turns -= 1;
      lane?.wake();
    };
    this.#tail = turn.then(ended, ended);
    return turn;
  }
}

/** Between two looks whether there is room for what was fetched; the membership is kept alive meanwhile. */
const roomWaitMs = 20;

function anotherTopic({ nextOffset, topicId: stored }: PartitionPosition, topicId: string): string {
  return `the topic was made anew: offset ${nextOffset} was stored for topic id ${stored}, now it is ${topicId}`;
}

function withoutKeys(position: PartitionPosition, keys: readonly string[]): PartitionPosition {
  if (keys.length === 0) return position;
  const gone = new Set(keys);
  return { ...position, parkedKeys: new Set([...position.parkedKeys].filter((key) => !gone.has(key))) };
}
