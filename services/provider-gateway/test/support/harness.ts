import { generateKeyPairSync } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { decodeSlipEvent, sources, stampEnvelope, topics } from '@slipstream/contracts';
import { createDatabase, makeClockSteppable } from '@slipstream/environment';
import { parseSigningKeys, type SigningKeys } from '@slipstream/identity';
import type { Instant } from '@slipstream/kernel';
import {
  coreMigrations,
  GroupCommit,
  migrate,
  openDataSource,
  prepareTopics,
  UnitOfWork,
} from '@slipstream/postgres';
import type { ProviderRules } from '@slipstream/rules';
import { outboundEvent, outboundOpsEvent, Unwritten } from '@slipstream/runtime';
import type { RecordedEvent, SlipEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { v7 } from 'uuid';
import { type MeteredCall, watched } from '../../src/adapters/calls/circuits.ts';
import { probes } from '../../src/adapters/calls/probes.ts';
import { certificateSigner } from '../../src/adapters/certificates/envelope.ts';
import { mayPass, postgresStore, type StoreOptions } from '../../src/adapters/postgres/store.ts';
import { CallbackTally } from '../../src/application/callback-tally.ts';
import { DelayLog } from '../../src/application/delays.ts';
import { followSlips } from '../../src/application/follow-slips.ts';
import type { Counted, Providers, Store } from '../../src/application/ports.ts';
import type { UpstreamTick } from '../../src/application/release-parked.ts';
import { routing } from '../../src/application/routing.ts';
import { callSlots } from '../../src/application/slots.ts';
import { tellHealth } from '../../src/application/tell-health.ts';
import { type UseCases, useCases } from '../../src/application/use-cases.ts';
import type { Candidate } from '../../src/domain/route/choose.ts';
import { openProviders } from '../../src/providers/registry.ts';
import { type Workers, workers } from '../../src/workers/workers.ts';
import { fundsHeld, recorded, submitted } from './events.ts';

export const secret = `whsec_${Buffer.alloc(32, 'acme').toString('base64')}`;

export function providerRules(baseUrl: string, more: Partial<ProviderRules> = {}): ProviderRules {
  return {
    id: 'acme',
    baseUrl,
    secrets: { current: secret, next: null },
    protocol: 'json-callback',
    connectTimeoutMs: 300,
    answerTimeoutMs: 400,
    acceptanceDelayMaxMs: 200,
    concurrencyMax: 16,
    circuitOpenMs: 100,
    throttledMeansNotTaken: false,
    idempotentByReference: false,
    cancelByReference: false,
    visibilityDelayMs: 0,
    pollLadderMs: [],
    recheckLadderMs: [],
    failuresFinal: true,
    statement: null,
    probe: null,
    ...more,
  };
}

/** The gateway without Kafka: real tables, real workers, real HTTP. What it publishes is read from the outbox. */
export class Harness {
  readonly store: Store;
  readonly unitOfWork: UnitOfWork;
  readonly counted = new Map<Counted, number>();
  readonly errors: unknown[] = [];
  /** What the watermarks say about the clocks. */
  clockTrouble: string | null = null;
  readonly upstream: UpstreamTick[] = [];
  /** Routes with more than one provider, to be set before the workers start. */
  readonly routes = new Map<string, readonly Candidate[]>();
  readonly calls: MeteredCall[] = [];
  /** How many live, as their signs of life would tell. */
  instances = 1;
  /** What the instance that was started last can do. */
  does!: UseCases;
  #routing = routing({
    routes: this.routes,
    providers: new Map(),
    isHealthy: () => true,
    random: Math.random,
  });
  readonly #destroy: () => Promise<void>;
  readonly #instances: Workers[] = [];
  readonly #providers: Providers[] = [];

  private constructor(
    /** For `stepClock`. */
    readonly databaseUrl: string,
    unitOfWork: UnitOfWork,
    destroy: () => Promise<void>,
  ) {
    this.unitOfWork = unitOfWork;
    this.#destroy = destroy;
    this.store = postgresStore(unitOfWork, storeOptions);
  }

  static async open(databaseUrl: string): Promise<Harness> {
    const url = await createDatabase(databaseUrl, 'gateway');
    await makeClockSteppable(url);
    const dataSource = await openDataSource({ url, applicationName: 'gateway-test', poolMax: 16 });
    const directory = fileURLToPath(new URL('../../migrations', import.meta.url));
    await migrate(dataSource, [coreMigrations, { scope: 'provider-gateway', directory }]);
    const unitOfWork = new UnitOfWork(dataSource);
    await prepareTopics(unitOfWork, [topics.events, topics.ops]);
    return new Harness(url, unitOfWork, () => dataSource.destroy());
  }

  readonly unwritten = new Unwritten();

  readonly count = (what: Counted, times = 1): void => {
    this.counted.set(what, (this.counted.get(what) ?? 0) + times);
  };

  /** Starts one instance of the workers. */
  async startWorkers(rules: readonly ProviderRules[], owner = 'one'): Promise<Workers> {
    const onError = (error: unknown) => void this.errors.push(error);
    const monotonicMs = () => performance.now();
    const { providers, circuits } = watched(openProviders(rules), {
      ...{ monotonicMs, onCall: (call: MeteredCall) => void this.calls.push(call), onUnderWay() {} },
      onHealth: (change) => tellHealth({ store: this.store, instance: owner, onError }, change),
    });
    const slots = callSlots(providers, circuits, () => this.instances, onError);
    const { isHealthy } = circuits;
    this.#routing = routing({ routes: this.routes, providers, isHealthy, random: Math.random });
    const does = useCases({
      store: this.store,
      // Without Kafka: what is committed counts as sent.
      log: { watch: () => async () => true },
      providers,
      ...slots,
      circuits,
      instances: () => this.instances,
      routing: this.#routing,
      retryLimits: () => ({ retryInitialMs: 20, retryMaxMs: 200 }),
      random: Math.random,
      monotonicMs,
      clockTrouble: () => this.clockTrouble,
      count: this.count,
      onUntold: onError,
      delays,
      callbackTally: new CallbackTally(),
      owner,
    });
    const upstream = () => this.upstream;
    const started = workers({
      ...{ does, providers, ...slots, upstream, drainTimeoutMs: 2_000, mayPass, onError },
      unwritten: this.unwritten,
      hasChoice: this.routes.size > 0,
    });
    this.does = does;
    const all = { ...started, parts: [...started.parts, ...probes(providers, onError)] };
    for (const part of all.parts) await part.start();
    this.#instances.push(all);
    this.#providers.push(providers);
    return started;
  }

  async stop(): Promise<void> {
    const parts = this.#instances.flatMap((one) => one.parts).toReversed();
    for (const part of parts) await part.drain?.();
    for (const part of parts) await part.stop();
    await this.#destroy();
  }

  /** Feeds events as one consumer batch would. */
  async feed(...events: readonly RecordedEvent[]): Promise<void> {
    const batch = events.map((event) => ({ recorded: event, partition: 3, traceparent: '' }));
    const intents = this.#instances[0]?.newIntents() ?? null;
    const providers = this.#providers[0] ?? new Map();
    const parts = { count: this.count, routing: this.#routing, providers };
    const due = await this.store.run((tx) => followSlips(tx, batch, parts, intents));
    for (const instance of this.#instances) instance.wake(due);
  }

  /** Submits and holds a slip; gives its id. */
  async slip(more: Parameters<typeof submitted>[0] = {}): Promise<string> {
    const slipId = v7();
    await this.feed(recorded(slipId, submitted(more)), recorded(slipId, fundsHeld));
    return slipId;
  }

  /** What was published about a slip, in order. */
  async published(slipId: string): Promise<SlipEvent[]> {
    return (await this.log(slipId)).map((event) => event.event);
  }

  async log(slipId: string): Promise<RecordedEvent[]> {
    const rows = await this.unitOfWork.query<{ body: Buffer; seq: string; at: Instant; received: Instant }>(
      'select body, seq, at, coalesce(received_at, at) as received from outbox_event where key = $1 order by seq',
      [slipId],
    );
    return rows.map((row) =>
      decodeSlipEvent(
        stampEnvelope(row.body, { sequence: row.seq, time: row.at, receivedTime: row.received }),
      ),
    );
  }

  /** Waits until an event of this type was published about the slip. */
  async event<Type extends SlipEvent['type']>(
    slipId: string,
    type: Type,
  ): Promise<Extract<SlipEvent, { type: Type }>['data']> {
    const found = await waitFor(
      async () => (await this.published(slipId)).find((event) => event.type === type),
      { what: `${type} of ${slipId}` },
    );
    return found.data as never;
  }

  async types(slipId: string): Promise<string[]> {
    return (await this.published(slipId)).map((event) => event.type);
  }

  /** A row of `dispatch`, raw. */
  async row(slipId: string): Promise<Record<string, unknown>> {
    const [row] = await this.unitOfWork.query<Record<string, unknown>>(
      'select * from dispatch where slip_id = $1',
      [slipId],
    );
    if (!row) throw new Error(`no row of ${slipId}`);
    return row;
  }
}

/** Callbacks go through the same group commit as in the service. */
export function grouped<Item, Result>(flush: (items: readonly Item[]) => Promise<readonly Result[]>) {
  return new GroupCommit(flush, { batchSizeMax: 100, waitingMax: 1_000, onFull: () => new Error('full') });
}

/** What all stores of a run have observed. */
export const delays = new DelayLog();

/** Made anew by each run. */
export const certificateKeys = newSigningKeys();

function newSigningKeys(): SigningKeys {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const keys = parseSigningKeys(JSON.stringify({ keys: [jwk] }));
  if (!keys.ok) throw new Error(keys.error);
  return keys.value;
}

const origin = { source: sources.gateway, newId: v7 };

export const storeOptions: StoreOptions = {
  encode: (event) => outboundEvent(origin, event),
  encodeOps: (event) => outboundOpsEvent(origin, event),
  events: { group: 'provider-gateway', topic: topics.events.name },
  resultsTopic: topics.results.name,
  certify: certificateSigner(certificateKeys),
  observe: (observed) => delays.note(observed),
  hear: () => {},
};
