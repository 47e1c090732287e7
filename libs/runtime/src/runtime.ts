import { Logger } from '@nestjs/common';
import {
  allTopics,
  deadLetterTopic,
  partitionsDefault,
  type Source,
  sources,
  type Topic,
  tickKey,
  topics,
} from '@slipstream/contracts';
import {
  type Batch,
  BatchConsumer,
  createKafka,
  deadLetterRecord,
  ensureTopics,
  KafkaBatchTransport,
  partitionOf,
  SerialProducer,
  type Subscription,
  TickReader,
  whileBrokersAreAway,
} from '@slipstream/kafka';
import type { Instant } from '@slipstream/kernel';
import {
  type ClockBound,
  coreMigrations,
  DeadLetters,
  knownTopics,
  type MigrationFolder,
  migrate,
  OwnLogStore,
  openDataSource,
  PgConsumerStore,
  prepareTopics,
  RedriveQueue,
  Relay,
  type Tx,
  UnitOfWork,
  WatermarkClock,
  type WhenSent,
} from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';
import { v7 } from 'uuid';
import { registerClockMetrics } from './clock-metrics.ts';
import { type DeadLetterDesk, deadLetterDesk } from './dead-letter-desk.ts';
import { EndOffsets } from './end-offsets.ts';
import { errorLog } from './error-log.ts';
import { GuardedSends } from './guarded-sends.ts';
import { InboundBarrier } from './inbound-barrier.ts';
import type { Part } from './lifecycle.ts';
import { consumerMetrics, deadLetterMetrics, ownLogMetric } from './metrics.ts';
import { OwnLogGuard, type Recovery } from './own-log-guard.ts';
import { readOwnTails } from './own-tails.ts';
import { Redriver } from './redriver.ts';
import { relayLanes, relayProducerOptions, watchRelay } from './relay-watch.ts';
import type { RuntimeHost } from './runtime-host.ts';
import { Ticker } from './ticker.ts';

/** What the runtime reads of a service's settings. */
export interface RuntimeSettings {
  readonly kafkaBrokers: readonly string[];
  readonly databaseUrl: string;
  /** This instance's name in leases and consumer groups, kept over restarts. */
  readonly instanceId: string;
}

export interface RuntimeOptions {
  readonly name: string;
  readonly source: Source;
  readonly settings: RuntimeSettings;
  readonly migrations: MigrationFolder;
  /** Topics of this service's outbox; the dead letters of what it consumes are added. */
  readonly publishes: readonly Topic[];
  readonly poolMax?: number;
}

export interface WatermarkOptions {
  /** What limits each clock beside the outbox; asked before the watermark's clock is read. */
  bounds(): Promise<readonly ClockBound[]>;
  /** Whether somebody may be waiting for a verdict; asked while the reconciler does not say what it waits for. */
  open(): Promise<boolean>;
  /** The earliest time that this service itself waits to see vouched for by the others; null: none. */
  awaits?(): Promise<Instant | null>;
  /** The last word about these clocks was said: what is kept of them is not needed any more. */
  onClosed?(clocks: readonly string[]): Promise<void>;
}

export interface GuardedSubscription extends Subscription<Tx> {
  /** Handles the batch instead while the database lacks events of its own that the partition has; must publish nothing. */
  readonly whileOlder?: (tx: Tx, batch: Batch) => Promise<void>;
}

/** Everything a service needs of PostgreSQL and Kafka, wired once and started and stopped in the right order. */
export interface Runtime {
  readonly source: Source;
  readonly unitOfWork: UnitOfWork;
  /** The other services' watermarks. */
  readonly ticks: TickReader;
  /** A new UUIDv7 (RFC 9562). */
  newId(): string;
  /** The partition of `slips.events.v1` that a slip lives on. */
  partitionOf(slipId: string): number;
  consume(subscription: GuardedSubscription): BatchConsumer<Tx>;
  /** Whether work may go on everywhere: the database was compared with the service's own log (rule 4). */
  isOpen(): boolean;
  /** Tells when events numbered by a transaction that begins after this call are on the topic. */
  watchSent(): WhenSent;
  /** For a service that goes on by itself when its database is older than its log. */
  recoverWith(recovery: Recovery): void;
  publishWatermarks(options: WatermarkOptions): void;
  /** Deletes every source's watermark of an imported clock that has ended (ARCHITECTURE section 8). */
  forgetClock(clock: string): Promise<void>;
  /** Until when an inbound topic is handled, for {@link WatermarkOptions.bounds}. */
  inboundBarrier(topic: Topic, group: string): { bound(): Promise<Instant> };
  /** What this service set aside, for the HTTP host's shared routes. */
  readonly deadLetters: DeadLetterDesk;
  /** A worker of the service's own: started after the consumers, drained before them. */
  addPart(part: Part): void;
  /** To be given to `createService`; registers the health checks. */
  readonly parts: (host: RuntimeHost) => readonly Part[];
}

/** Opens the pool, migrates, makes topics and sequencer rows. Nothing runs before the parts are started. */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { settings, name } = options;
  const logger = new Logger('Runtime');
  const onError = errorLog(logger);
  let guard: OwnLogGuard | null = null;
  let relay: Relay | null = null;
  const dataSource = await openDataSource({
    onServerChanged: () => {
      guard?.doubt();
      relay?.abandonWaits();
    },
    url: settings.databaseUrl,
    applicationName: `slipstream-${name}`,
    ...(options.poolMax === undefined ? {} : { poolMax: options.poolMax }),
  });
  // The instance's own, and its consumers' sign of what an earlier process left in their groups.
  const clientId = `slipstream-${name}-${settings.instanceId}`;
  const kafka = createKafka({ brokers: settings.kafkaBrokers, clientId });
  try {
    await migrate(dataSource, [coreMigrations, options.migrations]);
    const known = await knownTopics(new UnitOfWork(dataSource));
    await whileBrokersAreAway('making topics', () => ensureTopics(kafka, allTopics, known));
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
  const published = new Set(options.publishes.map((topic) => topic.name));
  const unitOfWork = new UnitOfWork(
    dataSource,
    (published) => relay?.wake(published),
    (topic, partition) => ownLog.require(topic, partition),
  );
  const sends = new GuardedSends((topic, partition) => ownLog.require(topic, partition));
  const ownLog = new OwnLogGuard({
    source: options.source,
    topics: options.publishes,
    log: new OwnLogStore(unitOfWork),
    run: (work) => unitOfWork.run(work),
    tails: (topic, from) => readOwnTails(kafka, options.source, topic, from),
    settled: () => sends.settled(),
    onOpen: () => relay?.wake(published),
    onClosed: (why) => logger.error(why),
    onError,
  });
  guard = ownLog;
  const consumers: BatchConsumer<Tx>[] = [];
  const workers: Part[] = [];
  let watermarks: WatermarkOptions | null = null;
  const endOffsets = new EndOffsets(kafka);
  const store = new PgConsumerStore(unitOfWork, deadLetterRecord);
  const metrics = consumerMetrics();
  const log = (message: string, fields: object) => logger.log({ message, ...fields });
  const letters = new DeadLetters(unitOfWork, () =>
    consumers
      .filter(({ subscription }) => subscription.sequenced)
      .map(({ subscription }) => subscription.topic),
  );
  const redriver = new Redriver({
    ...{ consumers: () => consumers, queue: new RedriveQueue(unitOfWork), store, newId: v7, log, onError },
  });

  const onFatal = (error: unknown): void => {
    onError(error);
    logger.fatal('a consumer or the relay died: the process ends, so that its supervisor starts it anew');
    process.exit(1);
  };
  const tickProducer = new SerialProducer(kafka);
  const ticks = new TickReader({
    kafka,
    name: `slipstream-${name}`,
    onFatal,
    onSkipped: metrics.tickSkipped,
  });

  return {
    source: options.source,
    unitOfWork,
    ticks,
    newId: v7,
    partitionOf: (slipId) => partitionOf(slipId, partitionsDefault),
    consume(subscription) {
      const consumer = new BatchConsumer<Tx>({
        kafka,
        store,
        subscription: guarded(subscription, ownLog),
        ownClientId: clientId,
        onFatal,
        metrics: metrics.of(subscription.group),
      });
      published.add(deadLetterTopic(subscription.topic));
      consumers.push(consumer);
      return consumer;
    },
    isOpen: () => ownLog.isAllOpen,
    watchSent: () => relay?.watchSent() ?? (async () => false),
    recoverWith(recovery) {
      ownLog.recovery = recovery;
    },
    publishWatermarks(wanted) {
      watermarks = wanted;
    },
    forgetClock: async (clock) => {
      await tickProducer.sendBatch(
        Object.values(sources).map((source) => ({
          topic: topics.watermarks.name,
          partition: 0,
          key: tickKey(source, clock),
          value: null,
        })),
      );
    },
    inboundBarrier: (topic, group) =>
      new InboundBarrier(
        {
          ends: () => endOffsets.of(topic.name),
          query: (sql, parameters) => unitOfWork.query(sql, parameters),
        },
        { topic: topic.name, group },
      ),
    deadLetters: deadLetterDesk({ letters, newId: v7, wake: redriver.wake, log }),
    addPart(part) {
      workers.push(part);
    },
    parts: (host) => {
      metrics.register(host.metrics);
      deadLetterMetrics(host.metrics, letters);
      registerClockMetrics(host.metrics, ticks);
      const publishes = allTopics.filter((topic) => published.has(topic.name));
      const lanes = relayLanes(() => sends.guard(new SerialProducer(kafka, relayProducerOptions)), publishes);
      const sender = new Relay(unitOfWork, {
        instanceId: settings.instanceId,
        lanes,
        isOpen: (topic, partition) => ownLog.isOpen(topic, partition),
        onError,
      });
      relay = sender;
      const parts: Part[] = [
        {
          name: 'database',
          start: () => prepareTopics(unitOfWork, publishes),
          stop: () => dataSource.destroy(),
        },
        { name: 'end offsets', start: () => endOffsets.start(), stop: () => endOffsets.stop() },
        ownLog,
        { name: 'relay', start: () => sender.start(), stop: () => sender.stop() },
        watchRelay(sender, host, onFatal),
        { name: 'ticks', start: () => ticks.start(), stop: () => ticks.stop() },
        consumersPart(host, consumers, onFatal),
        redriver,
        ...workers,
      ];
      if (watermarks) parts.push(ticker(watermarks, sender));
      ownLogMetric(host.metrics, () => ownLog.closed());
      for (const part of parts) {
        if (part.health) host.health.register(part.name, () => part.health!());
      }
      for (const consumer of consumers) {
        host.health.register(`consumer ${consumer.subscription.topic}`, () => {
          const { ok, problems } = consumer.health();
          if (!ok) return { ok, detail: problems.join('; ') };
          const parked = consumer.parkedKeys();
          return parked === 0 ? { ok } : { ok, detail: `${parked} slips wait behind dead letters` };
        });
      }
      return parts;
    },
  };

  function ticker(wanted: WatermarkOptions, relay: Relay): Part {
    const clock = new WatermarkClock(unitOfWork, topics.events.name, wanted.bounds);
    const inner = new Ticker({
      source: options.source,
      clock,
      // A mark is the word of a service that knows what it has said.
      leads: () => ownLog.isAllOpen && relay.leads(topics.events.name, 0),
      send: (records) => tickProducer.sendBatch(records),
      awaited: () => awaitedBy(ticks),
      awaits: wanted.awaits,
      open: wanted.open,
      onClosed: wanted.onClosed,
      onError,
    });
    return {
      name: inner.name,
      start: async () => {
        await tickProducer.start();
        await inner.start();
      },
      stop: async () => {
        await inner.stop();
        await tickProducer.stop();
      },
    };
  }
}

/** A reconciler silent for longer is not known to wait for anything, nor for nothing. */
const reconcilerSilentMsMax = 15_000;

/** What the reconciler waits for; undefined while it is not heard, or does not say (a release before this one). */
function awaitedBy(ticks: TickReader): Instant | null | undefined {
  const tick = ticks.latest(sources.reconciliation, wallClock);
  if (!tick || tick.reading === null) return undefined;
  return ticks.ageMs(sources.reconciliation, wallClock) > reconcilerSilentMsMax ? undefined : tick.awaits;
}

/** On the topic whose partitions are compared, each waits for its own; what comes from outside waits for them all. */
function guarded(subscription: GuardedSubscription, ownLog: OwnLogGuard): Subscription<Tx> {
  const { whileOlder } = subscription;
  return {
    ...subscription,
    async handle(tx, batch) {
      const { topic, partition } = batch;
      if (whileOlder && ownLog.isOlder(topic, partition)) return whileOlder(tx, batch);
      if (subscription.sequenced) ownLog.require(topic, partition);
      else ownLog.requireAll();
      return subscription.handle(tx, batch);
    },
  };
}

/**
 * The consumers run as a Nest microservice: one custom transport, started with the application. Joining is not waited
 * for: a group whose dead member has not timed out yet lets nobody in, and HTTP must answer meanwhile.
 */
function consumersPart(
  host: RuntimeHost,
  consumers: readonly BatchConsumer<Tx>[],
  onFatal: (error: unknown) => void,
): Part {
  const transport = new KafkaBatchTransport(consumers);
  return {
    name: 'consumers',
    start: async () => {
      host.startTransport(transport).catch(onFatal);
    },
    drain: async () => {
      await Promise.all(consumers.map((consumer) => consumer.drain()));
    },
    stop: () => transport.close(),
  };
}
