import {
  type Batch,
  BatchConsumer,
  type ConsumerMetrics,
  type ConsumerStore,
  type Subscription,
  type UnitHandler,
} from '@slipstream/kafka';
import type { Tx } from '@slipstream/postgres';
import { type Guard, GuardedUnits } from './guarded-units.ts';
import type { Health } from './health.ts';
import type { Part } from './lifecycle.ts';
import { KafkaBatchTransport } from './nest-transport.ts';
import type { OwnLogGate } from './own-log-gate.ts';
import type { RuntimeHost } from './runtime-host.ts';
import type { Servers } from './servers.ts';
import { tracedSubscription } from './tracing/kafka-spans.ts';
import type { Tracing } from './tracing/tracing.ts';
import { partitionHoldsMsMax, type Unwritten } from './unwritten.ts';

export interface GuardedSubscription extends Subscription<Tx> {
  /** Handles the batch instead while the database lacks events of its own that the partition has; must publish nothing. */
  readonly whileOlder?: (tx: Tx, batch: Batch) => Promise<void>;
  /** The same for units. */
  readonly unitsWhileOlder?: UnitHandler<Tx>;
  /** Its own handlers serve meanwhile, too: they know what they may decide. */
  readonly goesOnWhileOlder?: true;
}

export interface ConsumersOptions extends Pick<Servers, 'kafka' | 'clientId'> {
  readonly store: ConsumerStore<Tx>;
  readonly gate: OwnLogGate;
  readonly metrics: (group: string) => ConsumerMetrics;
  /** A batch was handled and committed; its first record was appended at `appendedMs`, null: it has none. */
  readonly onHandled: (topic: string, partition: number, appendedMs: number | null) => void;
  readonly onFatal: (error: unknown) => void;
  /** Told of partitions that wait because what they gave cannot be written. */
  readonly unwritten: Unwritten;
  readonly tracing: Tracing | null;
}

/** A service's way in: its consumers, which take nothing while the gate is closed. */
export class Consumers {
  readonly #options: ConsumersOptions;
  readonly #all: BatchConsumer<Tx>[] = [];

  constructor(options: ConsumersOptions) {
    this.#options = options;
    options.gate.onDoubt(() => {
      for (const consumer of this.#all) consumer.claimAnew();
    });
  }

  get all(): readonly BatchConsumer<Tx>[] {
    return this.#all;
  }

  add(subscription: GuardedSubscription): BatchConsumer<Tx> {
    const { kafka, clientId, store, gate, metrics, onFatal, tracing } = this.#options;
    const own = guarded(subscription, gate);
    const consumer = new BatchConsumer<Tx>({
      ...{ kafka, store, onFatal },
      subscription: tracing ? tracedSubscription(tracing, own) : own,
      ownClientId: clientId,
      metrics: alsoTelling(metrics(subscription.group), this.#options),
    });
    this.#all.push(consumer);
    return consumer;
  }

  /** Those whose records are numbered by their sources. */
  sequencedTopics(): string[] {
    const sequenced = this.#all.filter(({ subscription }) => subscription.sequenced);
    return sequenced.map(({ subscription }) => subscription.topic);
  }

  registerHealth(host: RuntimeHost): void {
    for (const consumer of this.#all)
      host.health.register(`consumer ${consumer.subscription.topic}`, () => healthOf(consumer));
  }

  /**
   * The consumers run as a Nest microservice: one custom transport, started with the application. Joining is not waited
   * for: a group whose dead member has not timed out yet lets nobody in, and HTTP must answer meanwhile.
   */
  part(host: RuntimeHost): Part {
    const transport = new KafkaBatchTransport(this.#all);
    return {
      name: 'consumers',
      start: async () => {
        host.startTransport(transport).catch(this.#options.onFatal);
      },
      drain: async () => {
        await Promise.all(this.#all.map((consumer) => consumer.drain()));
      },
      stop: () => transport.close(),
    };
  }
}

/** What a consumer counts, told to whoever must know of it besides. */
export function alsoTelling(
  metrics: ConsumerMetrics,
  { onHandled, unwritten }: Pick<ConsumersOptions, 'onHandled' | 'unwritten'>,
): ConsumerMetrics {
  const way = (topic: string, partition: number) => `${topic} ${partition}`;
  return {
    ...metrics,
    batchHandled: (...batch) => {
      metrics.batchHandled?.(...batch);
      const [topic, partition, , , appendedMs] = batch;
      onHandled(topic, partition, appendedMs);
    },
    waiting: (topic, partition, isWaiting) => {
      metrics.waiting?.(topic, partition, isWaiting);
      if (isWaiting) unwritten.failed(way(topic, partition), partitionHoldsMsMax);
      else unwritten.done(way(topic, partition));
    },
    // It waits for people: nothing of it is going to be written by itself.
    stopped: (topic, partition, isStopped) => {
      metrics.stopped?.(topic, partition, isStopped);
      unwritten.done(way(topic, partition));
    },
  };
}

function guarded(subscription: GuardedSubscription, gate: OwnLogGate): Subscription<Tx> {
  const { topic, sequenced, whileOlder, units, unitsWhileOlder, keep, goesOnWhileOlder } = subscription;
  const guard: Guard = {
    /** On the topic whose partitions are compared, each waits for its own; what comes from outside waits for them all. */
    pass: (partition) => {
      if (!sequenced) gate.requireAll();
      else if (!goesOnWhileOlder || !gate.isOlder(topic, partition)) gate.require(topic, partition);
    },
    isOlder: (partition) => gate.isOlder(topic, partition),
  };
  return {
    ...subscription,
    ...(keep ? { keep: guardedKeep(keep, guard) } : {}),
    ...(units ? { units: new GuardedUnits(units, unitsWhileOlder ?? null, guard) } : {}),
    async handle(tx, batch) {
      if (whileOlder && guard.isOlder(batch.partition)) return whileOlder(tx, batch);
      guard.pass(batch.partition);
      return subscription.handle(tx, batch);
    },
  };
}

function guardedKeep(keep: NonNullable<Subscription<Tx>['keep']>, guard: Guard): typeof keep {
  return async (tx, batch, letters) => {
    guard.pass(batch.partition);
    return keep(tx, batch, letters);
  };
}

function healthOf(consumer: BatchConsumer<Tx>): Health {
  const { ok, problems } = consumer.health();
  if (!ok) return { ok, detail: problems.join('; ') };
  const parked = consumer.parkedKeys();
  return parked === 0 ? { ok } : { ok, detail: `${parked} slips wait behind dead letters` };
}
