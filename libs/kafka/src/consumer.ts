import { restMs } from '@slipstream/kernel';
import type { Admin, Consumer, EachBatchPayload } from 'kafkajs';
import { Assignment } from './assignment.ts';
import { whileBrokersAreAway } from './brokers-away.ts';
import { type KafkaClient, retryOptions } from './client.ts';
import { type ConsumerOptions, consumerDefaults, fetchConfig, fetchWaits } from './consumer-options.ts';
import { removeDeadMembers } from './dead-members.ts';
import { fetchControl } from './fetch-control.ts';
import { GroupOffsets } from './group-offsets.ts';
import { KeepRunning } from './keep-running.ts';
import { describeError, jsonLog, type Log } from './log.ts';
import { readLogBounds } from './log-bounds.ts';
import { LongPolls } from './long-polls.ts';
import type { ConsumerMetrics } from './metrics.ts';
import { Neighbours } from './neighbours.ts';
import type { Around } from './owned-partition.ts';
import type { ConsumerStore, PartitionPosition, Subscription } from './ports.ts';
import { withRawBatches } from './raw-batches.ts';
import { UnitLane } from './unit-lane.ts';
import { Watchdog } from './watchdog.ts';
import { withTimeout } from './with-timeout.ts';

export interface BatchConsumerParts<Tx> {
  readonly kafka: KafkaClient;
  readonly store: ConsumerStore<Tx>;
  readonly subscription: Subscription<Tx>;
  /**
   * The client id of `kafka`, when it is this instance's alone and stays the same over restarts: what a killed process
   * left in the group is then removed at start. Absent: that member's session must time out first.
   */
  readonly ownClientId?: string;
  /** The consumer is dead or stuck for good: end the process, its supervisor starts a new one. */
  readonly onFatal: (error: Error) => void;
  readonly metrics?: ConsumerMetrics;
  readonly log?: Log;
  readonly options?: Partial<ConsumerOptions>;
}

export interface ConsumerHealth {
  readonly ok: boolean;
  readonly problems: readonly string[];
}

/** Handles one topic for one group, a database transaction per batch (rule 5), whatever kafkajs does (K1-K17). */
export class BatchConsumer<Tx> {
  readonly subscription: Subscription<Tx>;
  readonly #parts: BatchConsumerParts<Tx>;
  readonly #options: ConsumerOptions;
  readonly #log: Log;
  readonly #consumer: Consumer;
  readonly #polls: LongPolls;
  readonly #running: KeepRunning;
  readonly #admin: Admin;
  readonly #assignment: Assignment<Tx>;
  readonly #lane: UnitLane<Tx> | null;
  readonly #groupOffsets: GroupOffsets;
  readonly #watchdog: Watchdog;
  #starting: Promise<void> | null = null;
  #draining: Promise<void> | null = null;

  constructor(parts: BatchConsumerParts<Tx>) {
    this.#parts = parts;
    this.subscription = parts.subscription;
    this.#log = parts.log ?? jsonLog;
    this.#options = { ...consumerDefaults, ...parts.subscription.fetches, ...parts.options };
    this.#admin = parts.kafka.admin({ retry: retryOptions });
    this.#polls = new LongPolls(fetchWaits(this.#options, () => this.#lane?.pauseMs ?? restMs(0)));
    this.#consumer = withRawBatches(parts.kafka).consumer({
      ...fetchConfig(this.#options),
      partitionAssigners: [this.#polls.assigner],
      groupId: parts.subscription.group,
      retry: { ...retryOptions, restartOnFailure: async () => this.#draining === null },
    });
    this.#lane = this.#makeLane();
    this.#assignment = this.#makeAssignment();
    this.#running = new KeepRunning({
      ...{
        consumer: this.#consumer,
        group: parts.subscription.group,
        log: this.#log,
        onFatal: parts.onFatal,
      },
      isStopping: () => this.#draining !== null,
      config: {
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: this.#options.partitionsConcurrent,
        eachBatch: (payload) => this.#eachBatch(payload),
      },
    });
    this.#groupOffsets = new GroupOffsets(this.#consumer, () => this.positions());
    this.#watchdog = this.#makeWatchdog();
  }

  /** Joins the group. Resolves when joined; partitions follow as they are claimed. */
  async start(): Promise<void> {
    this.#starting ??= this.#start();
    await this.#starting;
  }

  /** Ends the running batches at their next chunk, takes no more and leaves the group. */
  async drain(): Promise<void> {
    this.#draining ??= this.#drain();
    await this.#draining;
  }

  async stop(): Promise<void> {
    await this.drain();
    const { drainTimeoutMs } = this.#options;
    for (const client of [this.#consumer, this.#admin]) {
      await withTimeout(client.disconnect(), drainTimeoutMs, 'disconnecting').catch(() => {});
    }
  }

  /** Where the group stands on the partitions owned now. */
  positions(): ReadonlyMap<number, PartitionPosition> {
    return this.#assignment.positions();
  }

  /**
   * Runs `work` in a transaction under the partition's fence, between two of its batches. False: the partition is not
   * ours now, and nothing was kept. Rejects with the error of `work` itself. `around` is done right before and
   * after the transaction, when nothing else runs on the partition.
   */
  async inPartition(
    partition: number,
    work: (tx: Tx, position: PartitionPosition) => Promise<void>,
    around?: Around,
  ): Promise<boolean> {
    return (await this.#assignment.get(partition)?.inPartition(work, around)) ?? false;
  }

  /** As {@link inPartition}, for records that waited: the keys that `work` gives wait no longer. */
  async release(
    partition: number,
    work: (tx: Tx, position: PartitionPosition) => Promise<readonly string[]>,
  ): Promise<boolean> {
    return (await this.#assignment.get(partition)?.release(work)) ?? false;
  }

  /** The store may be another one: positions are read from it anew before anything more is handled. */
  claimAnew(): void {
    this.#assignment.claimAnew();
  }

  /** Keys of the partitions owned now whose records wait behind a dead letter. */
  parkedKeys(): number {
    return [...this.positions().values()].reduce((sum, { parkedKeys }) => sum + parkedKeys.size, 0);
  }

  health(): ConsumerHealth {
    const { group, topic } = this.subscription;
    const problems = this.#assignment.problems().map((problem) => `${group} on ${topic}: ${problem}`);
    return { ok: problems.length === 0, problems };
  }

  async #start(): Promise<void> {
    const { topic, group } = this.subscription;
    this.#listen();
    const connect = async () => {
      await this.#admin.connect();
      await this.#removeDeadMembers();
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topics: [topic], fromBeginning: true });
    };
    const isStopping = () => this.#draining !== null;
    this.#lane?.start();
    await whileBrokersAreAway(`joining ${group}`, connect, { log: this.#log, isStopping });
    await this.#running.run();
    if (this.#draining) return;
    this.#groupOffsets.start(this.#options.groupOffsetsMs);
    this.#watchdog.start();
  }

  async #removeDeadMembers(): Promise<void> {
    const { kafka, ownClientId, subscription } = this.#parts;
    if (ownClientId === undefined) return;
    const { group } = subscription;
    try {
      const members = await removeDeadMembers(kafka, this.#admin, group, ownClientId);
      if (members > 0) this.#log.info('removed what a dead process left in the group', { group, members });
    } catch (error) {
      this.#log.warn('a dead member may delay joining', { group, ...describeError(error) });
    }
  }

  async #drain(): Promise<void> {
    const { drainTimeoutMs } = this.#options;
    this.#watchdog.stop();
    this.#groupOffsets.stop();
    // Stopping before the join has ended would leave it consuming (K14).
    if (this.#starting) await withTimeout(this.#starting, drainTimeoutMs, 'starting').catch(() => {});
    await withTimeout(this.#running.stop(), drainTimeoutMs, 'joining').catch(() => {});
    await this.#groupOffsets.commit();
    const stopped = this.#polls.giveUpUntil(this.#consumer.stop());
    await withTimeout(stopped, drainTimeoutMs, 'draining').catch((error) => {
      this.#log.error('a batch did not end', { group: this.subscription.group, ...describeError(error) });
    });
    await withTimeout(this.#lane?.stop() ?? Promise.resolve(), drainTimeoutMs, 'draining').catch((error) => {
      this.#log.error('a unit did not end', { group: this.subscription.group, ...describeError(error) });
    });
    this.#assignment.forget();
  }

  #listen(): void {
    const { events } = this.#consumer;
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => {
      this.#assigned(payload.memberAssignment[this.subscription.topic] ?? []);
    });
    this.#consumer.on(events.REBALANCING, () => this.#assignment.forget());
    this.#consumer.on(events.START_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize > 0) return;
      const last = Number(payload.lastOffset);
      this.#assignment.get(payload.partition)?.filtered(Number(payload.firstOffset ?? last), last);
    });
    this.#consumer.on(events.CRASH, () => {
      this.#assignment.forget();
    });
  }

  /** Called inside kafkajs' join, before the next fetch: nothing is fetched until its partition is claimed. */
  #assigned(partitions: readonly number[]): void {
    const { topic } = this.subscription;
    // Pauses outlive an assignment inside kafkajs (K7).
    this.#consumer.resume([{ topic }]);
    if (partitions.length > 0) this.#consumer.pause([{ topic, partitions: [...partitions] }]);
    this.#log.info('assigned', { group: this.subscription.group, topic, partitions });
    this.#assignment.join(partitions);
  }

  async #eachBatch({ batch, resolveOffset, heartbeat, isRunning, isStale }: EachBatchPayload): Promise<void> {
    const owned = this.#assignment.get(batch.partition);
    if (!owned || this.#draining) return;
    // Not in kafkajs' types; its Batch class has it.
    const fetchedOffset = Number((batch as unknown as { fetchedOffset: string }).fetchedOffset);
    await owned.handle({
      batches: batch.messages.map(({ value }) => value!),
      ...{ fetchedOffset, lastOffset: Number(batch.messages.at(-1)!.offset) },
      highWatermark: Number(batch.highWatermark),
      resolve: (offset) => resolveOffset(String(offset)),
      goOn: async () => {
        if (this.#draining || !isRunning() || isStale()) return false;
        // kafkajs beats again after the batch and then acts on the error.
        return heartbeat().then(
          () => true,
          () => false,
        );
      },
    });
  }

  #makeLane(): UnitLane<Tx> | null {
    const { store, subscription, metrics = {} } = this.#parts;
    const { unitRecordsMax, waitingBytesMax } = this.#options;
    const { units: handler } = subscription;
    if (!handler) return null;
    const recordsMax = Math.min(unitRecordsMax, handler.recordsMax ?? unitRecordsMax);
    return new UnitLane({
      store,
      subscription,
      handler,
      metrics,
      unitRecordsMax: recordsMax,
      waitingBytesMax,
    });
  }

  #makeAssignment(): Assignment<Tx> {
    const { store, subscription, metrics = {} } = this.#parts;
    const options = {
      ...this.#options,
      ...{ store, subscription, metrics, log: this.#log, neighbours: new Neighbours(), lane: this.#lane },
      fencedRetryMs: this.#options.sessionTimeoutMs * 1.5,
      control: fetchControl(this.#parts.kafka, this.#consumer, this.#admin, subscription.topic),
    };
    return new Assignment(options, this.#options.partitionsConcurrent);
  }

  #makeWatchdog(): Watchdog {
    const { metrics, onFatal, subscription } = this.#parts;
    return new Watchdog({
      intervalMs: this.#options.watchdogIntervalMs,
      stallMs: this.#options.stallMs,
      partitions: () => this.#assignment.watched(),
      logBounds: () => readLogBounds(this.#admin, subscription.topic),
      onLag: (partition, records) => {
        // The log's end was asked for meanwhile.
        if (this.#assignment.get(partition)) metrics?.lag?.(subscription.topic, partition, records);
      },
      onLogTooShort: (partition, why) => this.#assignment.get(partition)?.stop(why),
      onStall: onFatal,
    });
  }
}
