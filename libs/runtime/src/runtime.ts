import { Logger } from '@nestjs/common';
import { deadLetterTopic, partitionsDefault, type Source, type Topic, topics } from '@slipstream/contracts';
import {
  type BatchConsumer,
  deadLetterRecord,
  LogReader,
  partitionOf,
  type TickReader,
} from '@slipstream/kafka';
import type { Instant } from '@slipstream/kernel';
import {
  DeadLetters,
  type MigrationFolder,
  PgConsumerStore,
  RedriveQueue,
  readCursorKey,
  type Tx,
  type UnitOfWork,
  type WhenSent,
} from '@slipstream/postgres';
import { appliedConfig } from './applied-config.ts';
import { Behind } from './behind.ts';
import { registerClockMetrics } from './clock-metrics.ts';
import { Consumers, type GuardedSubscription } from './consumers.ts';
import { databaseMetrics } from './database-metrics.ts';
import { type DeadLetterDesk, deadLetterDesk } from './dead-letter-desk.ts';
import { errorLog } from './error-log.ts';
import type { Part } from './lifecycle.ts';
import type { LackingRecord } from './log-recovery.ts';
import { consumerMetrics, deadLetterMetrics, ownLogMetric } from './metrics.ts';
import { newId } from './new-id.ts';
import { type FoldOpsEvent, foldOwn } from './ops-recovery.ts';
import { type FoldSlipEvent, Outbound } from './outbound.ts';
import { OwnLogGate } from './own-log-gate.ts';
import type { Lacking, Recovery } from './own-log-guard.ts';
import { type PartitionDesk, partitionDesk } from './partition-desk.ts';
import { Redriver } from './redriver.ts';
import { watchRelay } from './relay-watch.ts';
import type { RuntimeHost } from './runtime-host.ts';
import { openServers, type RuntimeSettings } from './servers.ts';
import { newTraceContext } from './tracing/new-trace-context.ts';
import type { Tracing } from './tracing/tracing.ts';
import { Unwritten } from './unwritten.ts';
import { type WatermarkOptions, Watermarks } from './watermarks.ts';

export interface RuntimeOptions {
  readonly name: string;
  readonly source: Source;
  readonly settings: RuntimeSettings;
  readonly migrations: MigrationFolder;
  /** Topics of this service's outbox; operations and the dead letters of what it consumes are added. */
  readonly publishes: readonly Topic[];
  /** Topics beside these whose records carry no numbers of this service: nothing waits for a comparison with them. */
  readonly publishesUnnumbered?: readonly Topic[];
  /** Of the rules that it judges by: told when it is another one than before. */
  readonly configDigest: string;
  /** Where its own operations events are its state: writes one that its database lacks. */
  readonly foldOpsEvent?: FoldOpsEvent;
  /** Where its own events of slips are its state, likewise. */
  readonly foldSlipEvent?: FoldSlipEvent;
  readonly poolMax?: number;
  /** Connections that the service may open beside this pool. */
  readonly connectionsBeside?: number;
}

export interface OwnLog {
  /** The database lacks events of the service's own that this partition has. */
  isOlder(partition: number): boolean;
  /** Each partition was compared, however it was found. */
  isCompared(): boolean;
  /** Each was compared, and the database lacks nothing of any. */
  isWhole(): boolean;
  /** The same of another topic. */
  isWholeOn(topic: Topic): boolean;
  /** The events that it lacks, in order. */
  records(partition: number, lacking: Lacking): Promise<readonly LackingRecord[]>;
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
  /** How many instances of this service live, this one included; known within a second or so, by nobody's question. */
  instances(): number;
  /** Reads a topic again, for a handler that keeps no more of a record than its offset. It ends with the runtime. */
  readAgain(topic: Topic): LogReader;
  /** Tells when events numbered by a transaction that begins after this call are on the topic. */
  watchSent(): WhenSent;
  /** For a service that goes on by itself when its database is older than its log of slips. */
  recoverWith(recovery: Recovery): void;
  /** What such a service needs to know of its database and its log of slips. */
  readonly ownLog: OwnLog;
  publishWatermarks(options: WatermarkOptions): void;
  /** Deletes every source's watermark of an imported clock that has ended (ARCHITECTURE section 8). */
  forgetClock(clock: string): Promise<void>;
  /** Until when an inbound topic is handled, for {@link WatermarkOptions.bounds}. */
  inboundBarrier(topic: Topic, group: string): { bound(): Promise<Instant> };
  /** What this service set aside, for the HTTP host's shared routes. */
  readonly deadLetters: DeadLetterDesk;
  /** Its partitions that stopped, for the same. */
  readonly partitions: PartitionDesk;
  /** What the cursors of its lists are sealed with, for the same. */
  readonly cursorKey: Uint8Array;
  /** Tells a collector of requests, for the same; null: there is none. */
  readonly tracing: Tracing | null;
  /** The trace context of something that comes without one; where there is a collector, it is told of it. */
  beginTrace(name: string): string;
  /** What this service's own workers have read and cannot write. */
  readonly unwritten: Unwritten;
  /** `listener` is told after each batch of records that was handled and committed here. */
  onHandled(listener: () => void): void;
  /** A worker of the service's own: started after the consumers, drained before them. */
  addPart(part: Part): void;
  /** To be given to `createService`; registers the health checks. */
  readonly parts: (host: RuntimeHost) => readonly Part[];
}

/** Opens the pool, migrates, makes topics and sequencer rows. Nothing runs before the parts are started. */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const rooms = await openRooms(options);
  const { gate, outbound, consumers, watermarks, letters, redriver, log, kafka } = rooms;
  const workers: Part[] = [];
  const cursorKey = await readCursorKey(outbound.unitOfWork);
  for (const { name } of options.publishesUnnumbered ?? []) outbound.alsoPublishes(name);
  return {
    source: options.source,
    unitOfWork: outbound.unitOfWork,
    ticks: watermarks.ticks,
    newId,
    partitionOf: (slipId) => partitionOf(slipId, partitionsDefault),
    consume(subscription) {
      outbound.alsoPublishes(deadLetterTopic(subscription.topic));
      return consumers.add(subscription);
    },
    readAgain(topic) {
      const reader = new LogReader(kafka, topic.name);
      // Consumers are drained by then, and read nothing more.
      workers.push({ name: `${topic.name} read again`, start: async () => {}, stop: () => reader.stop() });
      return reader;
    },
    isOpen: () => gate.isAllOpen,
    instances: () => outbound.instances,
    watchSent: () => outbound.watchSent(),
    recoverWith(recovery) {
      outbound.guard.recoverWith(topics.events.name, recovery);
    },
    ownLog: {
      isOlder: (partition) => gate.isOlder(topics.events.name, partition),
      isCompared: () => gate.isCompared(topics.events.name),
      isWhole: () => gate.isWhole(topics.events.name),
      isWholeOn: ({ name }) => gate.isWhole(name),
      records: (partition, lacking) => outbound.ownRecords(partition, lacking),
    },
    publishWatermarks: (wanted) => watermarks.publish(wanted),
    forgetClock: (clock) => watermarks.forget(clock),
    inboundBarrier: (topic, group) => watermarks.barrier(topic, group),
    deadLetters: deadLetterDesk({ letters, newId, wake: redriver.wake, log }),
    partitions: partitionDesk({ kafka: rooms.kafka, stops: rooms.stops, newId, log }),
    cursorKey,
    tracing: rooms.tracing,
    beginTrace: (name) => beginTrace(rooms.tracing, name),
    unwritten: rooms.unwritten,
    onHandled: (listener) => void rooms.handledListeners.add(listener),
    addPart: (part) => void workers.push(part),
    parts: (host) => partsOf(rooms, workers, host),
  };
}

function beginTrace(tracing: Tracing | null, name: string): string {
  if (tracing === null) return newTraceContext();
  const span = tracing.begin({ name, kind: 'consumer', traceparent: '', facts: {} });
  span.end();
  return span.traceparent;
}

/** OpenTelemetry is loaded by those alone who have a collector. */
async function openTracing(
  service: string,
  { otlpEndpoint, instanceId: instance, traceRatio: ratio = 1 }: RuntimeSettings,
  onError: (error: unknown) => void,
): Promise<Tracing | null> {
  if (!otlpEndpoint) return null;
  const { otlpTracing } = await import('./tracing/otlp.ts');
  return otlpTracing({ endpoint: otlpEndpoint, service, instance, ratio, onError });
}

type Rooms = Awaited<ReturnType<typeof openRooms>>;

/** What the runtime consists of: the gate, the way out, the way in, the watermarks, and what became of dead letters. */
async function openRooms(options: RuntimeOptions) {
  const { name, source, settings, configDigest } = options;
  const publishes = [...options.publishes, topics.ops];
  const logger = new Logger('Runtime');
  const log = (message: string, fields: object) => logger.log({ message, ...fields });
  const onError = errorLog(logger);
  const onFatal = (error: unknown): void => {
    onError(error);
    logger.fatal('a consumer or the relay died: the process ends, so that its supervisor starts it anew');
    process.exit(1);
  };
  const handledListeners = new Set<() => void>();
  const behind = new Behind();
  const unwritten = new Unwritten();
  const gate = new OwnLogGate(publishes);
  const servers = await openServers({
    ...options,
    onServerChanged: () => gate.doubt(),
    warn: (why) => logger.warn(why),
  });
  const tracing = await openTracing(name, settings, onError);
  const outbound = new Outbound({
    ...{ ...servers, tracing },
    ...{ source, publishes, gate, onError, instanceId: settings.instanceId },
    foldOpsEvent: foldOwn(options.foldOpsEvent),
    foldSlipEvent: options.foldSlipEvent,
    behindMs: () => behind.ms,
    onClosed: (why) => logger.error(why),
    onPublished: () => watermarks.happened(),
  });
  const { unitOfWork } = outbound;
  const config = appliedConfig({
    ...{ service: name, digest: configDigest, source, newId, unitOfWork, gate, onError },
  });
  const metrics = consumerMetrics();
  const store = new PgConsumerStore(unitOfWork, deadLetterRecord);
  const consumers = new Consumers({
    ...{ ...servers, store, gate, onFatal, tracing, unwritten, metrics: metrics.of },
    onHandled: (topic, partition, appendedMs) => {
      if (topic === topics.events.name && appendedMs !== null) behind.handled(partition, appendedMs);
      watermarks.happened();
      for (const listener of handledListeners) listener();
    },
  });
  const watermarks: Watermarks = new Watermarks({
    ...{ name, source, unitOfWork, unwritten, onFatal, onError },
    ...{ kafka: servers.kafka, onSkipped: metrics.tickSkipped },
    // The one that speaks speaks for all of them.
    behindMs: () => Math.max(behind.ms, outbound.othersBehindMs),
    leads: () => gate.isAllOpen && outbound.leads(topics.events.name, 0),
  });
  const letters = new DeadLetters(unitOfWork, () => consumers.sequencedTopics());
  const queue = new RedriveQueue(unitOfWork);
  const redriver = new Redriver({
    ...{ consumers: () => consumers.all, queue, store, newId, log, onError },
    isAlone: () => outbound.isAlone,
  });
  const { kafka } = servers;
  const { stops } = store;
  const rooms = {
    servers,
    gate,
    outbound,
    config,
    consumers,
    watermarks,
    letters,
    redriver,
    metrics,
    handledListeners,
    unwritten,
  };
  return { ...rooms, log, onFatal, kafka, stops, tracing };
}

/** In the order in which they are started: what others stand on comes first, and is stopped last. */
function partsOf(rooms: Rooms, workers: readonly Part[], host: RuntimeHost): Part[] {
  const { gate, outbound, config, consumers, watermarks, letters, redriver, metrics, onFatal } = rooms;
  metrics.register(host.metrics);
  deadLetterMetrics(host.metrics, letters);
  databaseMetrics(host.metrics, outbound.unitOfWork, rooms.servers);
  registerClockMetrics(host.metrics, watermarks.ticks);
  ownLogMetric(host.metrics, () => gate.closed());
  const relay = outbound.openRelay();
  const { tracing } = rooms;
  const parts: Part[] = [
    ...(tracing ? [{ name: 'tracing', start: async () => {}, stop: () => tracing.stop() }] : []),
    outbound.databasePart(),
    ...watermarks.readers(),
    outbound.guard,
    { name: 'relay', start: () => relay.start(), stop: () => relay.stop() },
    watchRelay(relay, host, onFatal),
    config,
    consumers.part(host),
    redriver,
    ...workers,
    ...watermarks.speakers(),
  ];
  for (const part of parts) if (part.health) host.health.register(part.name, () => part.health!());
  consumers.registerHealth(host);
  return parts;
}
