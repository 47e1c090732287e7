import { randomUUID } from 'node:crypto';
import type { FailingPartition } from './apart.ts';
import { Lane, type LaneOptions } from './lane.ts';
import { type Lease, Leases } from './leases.ts';
import { Pruner } from './pruner.ts';
import { SentWaits, type WhenSent } from './sent-waits.ts';
import type { UnitOfWork } from './unit-of-work.ts';

export interface RelayOptions {
  /** This instance's slot: its name, kept over restarts. */
  readonly instanceId: string;
  readonly lanes: readonly LaneOptions[];
  /** How often an idle lane looks for what other instances committed. */
  readonly pollMs?: number;
  /** The same while no other instance lives: own commits wake it, so this only finds what a wake missed. */
  readonly aloneMs?: number;
  /** How long a process is taken for alive, and holds its leases, without a sign of life. */
  readonly leaseMs?: number;
  /** First and longest wait before a failing partition is tried again. */
  readonly retryMs?: number;
  readonly retryMsMax?: number;
  /** How long sent rows are kept to be compared with the topic. */
  readonly retentionMs?: number;
  /** How often rows past their retention are looked for. */
  readonly pruneMs?: number;
  /** False while nothing may be sent to a partition: its lease is kept, and nothing done with it. */
  readonly isOpen?: (topic: string, partition: number) => boolean;
  /** How far behind this instance is in what it reads; told to the others. */
  readonly behindMs?: () => number;
  readonly onError?: (error: unknown) => void;
}

/** How one lane does. */
export interface LaneState {
  readonly name: string;
  readonly silentMs: number;
  readonly failing: readonly FailingPartition[];
}

/**
 * Sends committed outbox rows to Kafka in `seq` order (rule 4), from one leased, fenced owner per partition. A relay
 * that lost a lease fails to move the cursor and stops sending that partition. Lanes share the leases and nothing else.
 */
export class Relay {
  readonly #unitOfWork: UnitOfWork;
  readonly #leases: Leases;
  readonly #lanes: readonly Lane[];
  readonly #pruner: Pruner;
  readonly #waits: SentWaits;
  readonly #onError: (error: unknown) => void;
  #unsendableBefore = 0;

  constructor(unitOfWork: UnitOfWork, options: RelayOptions) {
    const {
      onError = () => {},
      isOpen = () => true,
      leaseMs = 3_000,
      retentionMs = 7 * 86_400_000,
      pruneMs = 60_000,
    } = options;
    const { pollMs = 20, aloneMs = 10_000, retryMs = 200, retryMsMax = 5_000 } = options;
    this.#unitOfWork = unitOfWork;
    this.#onError = onError;
    this.#leases = new Leases(unitOfWork, {
      processId: randomUUID(),
      name: options.instanceId,
      topics: options.lanes.flatMap((lane) => lane.topics),
      leaseMs,
      isOpen,
      behindMs: options.behindMs ?? (() => 0),
      onChange: () => this.#lookAtOnce(),
      onError,
    });
    this.#waits = new SentWaits(unitOfWork, this.#leases, { pollMs, onError });
    const onSent = (lease: Lease) => this.#waits.reached(lease);
    const settings = { pollMs, aloneMs, retryMs, retryMsMax, onSent, onError };
    this.#lanes = options.lanes.map((lane) => new Lane(unitOfWork, this.#leases, lane, settings));
    this.#pruner = new Pruner(unitOfWork, this.#leases, { retentionMs, pruneMs, onError });
  }

  async start(): Promise<void> {
    const [row] = await this.#unitOfWork.query<{ n: string }>('select count(*) as n from unsendable');
    this.#unsendableBefore = Number(row!.n);
    await this.#leases.start();
    for (const lane of this.#lanes) lane.start();
    this.#pruner.start();
  }

  /** Called after a commit in this process that published to `topics`: their lanes look at once. */
  readonly wake = (topics: ReadonlySet<string>): void => {
    for (const lane of this.#lanes) lane.wake(topics);
  };

  /** Tells when records numbered by a transaction that begins after this call are on their topics. */
  watchSent(): WhenSent {
    return this.#waits.watch();
  }

  /** The database may be another one: no wait for a record that was numbered before this ends well. */
  readonly abandonWaits = (): void => this.#waits.abandon();

  #lookAtOnce(): void {
    for (const lane of this.#lanes) lane.lookAtOnce();
  }

  /** True for the one instance that speaks for the service's watermarks: the sender of this partition. */
  leads(topic: string, partition: number): boolean {
    return this.#leases.holds(topic, partition);
  }

  /** Whether no other instance of this service lives. */
  get isAlone(): boolean {
    return this.#leases.isAlone;
  }

  /** How many instances of this service live, this one included. */
  get instances(): number {
    return this.#leases.instances;
  }

  /** The most that another instance is behind in what it reads. */
  get othersBehindMs(): number {
    return this.#leases.othersBehindMs;
  }

  get lanes(): readonly LaneState[] {
    return this.#lanes.map(({ name, silentMs, failing }) => ({ name, silentMs, failing }));
  }

  /** Milliseconds since the slowest loop last took a step of any kind: all its waits are bounded far below a minute. */
  get stuckMs(): number {
    return Math.max(...this.#lanes.map((lane) => lane.stuckMs));
  }

  /** Rows that the broker will never take: kept in `unsendable`, passed over. */
  get unsendable(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.passedOver, this.#unsendableBefore);
  }

  /** Sends what is committed by now, then stops and gives the leases back. */
  async stop(): Promise<void> {
    await this.#pruner.stop();
    this.#waits.abandon();
    await this.#leases.stopRenewing();
    await Promise.all(this.#lanes.map((lane) => lane.stop()));
    await this.#leases.release().catch(this.#onError);
  }
}
