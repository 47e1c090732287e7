import { allTopics, readEnvelope, type Source, slipEventOf, type Topic, topics } from '@slipstream/contracts';
import { SerialProducer } from '@slipstream/kafka';
import { OwnLogStore, prepareTopics, Relay, type Tx, UnitOfWork, type WhenSent } from '@slipstream/postgres';
import type { RecordedEvent } from '@slipstream/slip';
import { GuardedSends } from './guarded-sends.ts';
import type { Part } from './lifecycle.ts';
import { type LackingRecord, logRecovery, type OwnRecordsOptions, ownRecords } from './log-recovery.ts';
import { type FoldOpsEvent, opsRecovery } from './ops-recovery.ts';
import type { OwnLogGate } from './own-log-gate.ts';
import { type Lacking, OwnLogGuard } from './own-log-guard.ts';
import { readOwnTails } from './own-tails.ts';
import { relayLanes, relayProducerOptions } from './relay-watch.ts';
import type { Servers } from './servers.ts';
import { tracedSends } from './tracing/kafka-spans.ts';
import type { Tracing } from './tracing/tracing.ts';

/** Writes what an event of the service's own about a slip says into a database that does not know of it. */
export type FoldSlipEvent = (tx: Tx, recorded: RecordedEvent, partition: number) => Promise<void>;

export interface OutboundOptions extends Servers {
  readonly source: Source;
  readonly instanceId: string;
  readonly publishes: readonly Topic[];
  readonly gate: OwnLogGate;
  readonly foldOpsEvent: FoldOpsEvent;
  /** undefined: the service goes on another way, or waits for people. */
  readonly foldSlipEvent: FoldSlipEvent | undefined;
  readonly onError: (error: unknown) => void;
  readonly onClosed: (why: string) => void;
  /** How far behind this instance is in what it reads; told to the others. */
  readonly behindMs: () => number;
  /** Something was committed to be sent, or may have been. */
  readonly onPublished: () => void;
  readonly tracing: Tracing | null;
}

/** A service's way out: what its transactions publish is sent as soon as it is committed, where the gate is open. */
export class Outbound {
  readonly unitOfWork: UnitOfWork;
  readonly guard: OwnLogGuard;
  readonly #options: OutboundOptions;
  readonly #topics: Set<string>;
  readonly #sends: GuardedSends;
  readonly #ownOf: Omit<OwnRecordsOptions, 'topic'>;
  #relay: Relay | null = null;

  constructor(options: OutboundOptions) {
    const { source, dataSource, kafka, publishes, gate, onError, onClosed } = options;
    const requireOpen = (topic: string, partition: number) => gate.require(topic, partition);
    const published = (committed: ReadonlySet<string>) => {
      this.#relay?.wake(committed);
      options.onPublished();
    };
    const unitOfWork = new UnitOfWork(dataSource, published, requireOpen);
    // What is published there is of the incarnation that begins there.
    const beginning = new UnitOfWork(dataSource, published);
    const sends = new GuardedSends(requireOpen);
    const log = new OwnLogStore(unitOfWork);
    this.#options = options;
    this.#topics = new Set(publishes.map((topic) => topic.name));
    this.#sends = sends;
    this.unitOfWork = unitOfWork;
    this.guard = new OwnLogGuard({
      ...{ source, topics: publishes, gate, log, onError, onClosed },
      run: (work) => beginning.run(work),
      tails: (topic, from) => readOwnTails(kafka, source, topic, from),
      settled: () => sends.settled(),
      onOpen: () => this.#relay?.wake(this.#topics),
    });
    const ownOf = { kafka, source, log };
    const fold = options.foldOpsEvent;
    this.guard.recoverWith(topics.ops.name, opsRecovery({ ...ownOf, fold }));
    if (options.foldSlipEvent) {
      const slips = { ...ownOf, topic: topics.events.name, fold: options.foldSlipEvent };
      const decode = (value: Buffer) => slipEventOf(readEnvelope(value));
      this.guard.recoverWith(topics.events.name, logRecovery({ ...slips, decode }));
    }
    this.#ownOf = ownOf;
    gate.onDoubt(() => this.#relay?.abandonWaits());
  }

  /** The service's own events of slips that its database does not know. */
  ownRecords(partition: number, lacking: Lacking): Promise<readonly LackingRecord[]> {
    return ownRecords({ ...this.#ownOf, topic: topics.events.name }, partition, lacking);
  }

  /** Before the relay is opened. */
  alsoPublishes(topic: string): void {
    this.#topics.add(topic);
  }

  /** Tells when events numbered by a transaction that begins after this call are on the topic. */
  watchSent(): WhenSent {
    return this.#relay?.watchSent() ?? (async () => false);
  }

  /** Whether this instance speaks for the service: it sends this partition. */
  leads(topic: string, partition: number): boolean {
    return this.#relay?.leads(topic, partition) ?? false;
  }

  /** Whether no other instance of this service lives. */
  get isAlone(): boolean {
    return this.#relay?.isAlone ?? false;
  }

  /** How many instances of this service live, this one included, as the latest sign of life found it. */
  get instances(): number {
    return this.#relay?.instances ?? 1;
  }

  /** The most that another instance is behind in what it reads, as the latest sign of life of each tells. */
  get othersBehindMs(): number {
    return this.#relay?.othersBehindMs ?? 0;
  }

  openRelay(): Relay {
    const { kafka, instanceId, gate, behindMs, onError, tracing } = this.#options;
    const connect = () => {
      const producer = new SerialProducer(kafka, relayProducerOptions);
      return this.#sends.guard(tracing ? tracedSends(tracing, producer) : producer);
    };
    this.#relay = new Relay(this.unitOfWork, {
      instanceId,
      lanes: relayLanes(connect, this.#published()),
      isOpen: (topic, partition) => gate.isOpen(topic, partition),
      behindMs,
      onError,
    });
    return this.#relay;
  }

  /** The pool, with a row for every partition that is published to. */
  databasePart(): Part {
    return {
      name: 'database',
      start: () => prepareTopics(this.unitOfWork, this.#published()),
      stop: () => this.#options.dataSource.destroy(),
    };
  }

  #published(): readonly Topic[] {
    return allTopics.filter((topic) => this.#topics.has(topic.name));
  }
}
