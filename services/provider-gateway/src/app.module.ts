import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { Logger, Module } from '@nestjs/common';
import { sources, topics } from '@slipstream/contracts';
import { SlipstreamError } from '@slipstream/kernel';
import { GroupCommit, type Tx } from '@slipstream/postgres';
import type { Rules } from '@slipstream/rules';
import { openRuntime, outboundEvent, type Runtime } from '@slipstream/runtime';
import { type ServiceOptions } from '@slipstream/service-host';
import {
  CALLBACK_INTAKE,
  type CallbackIntake,
  CallbacksController,
} from './adapters/http/callbacks.controller.ts';
import { counters } from './adapters/http/metrics.ts';
import { PROVIDER_VIEW, ProvidersController } from './adapters/http/providers.controller.ts';
import { reportedResults, resultsGroup } from './adapters/kafka/reported-results.ts';
import { slipEvents, slipEventsGroup } from './adapters/kafka/slip-events.ts';
import { upstreamMarks, upstreamTicks } from './adapters/kafka/upstream.ts';
import { postgresStore, type StoreOptions, storeTx } from './adapters/postgres/store.ts';
import type { Count, Providers, Store } from './application/ports.ts';
import type { CallbackHandling, ReceivedCallback } from './application/receive-callbacks.ts';
import type { UpstreamTick } from './application/release-parked.ts';
import { anythingOpen, readBounds, receiveCallbacks } from './application/use-cases.ts';
import type { GatewayConfig } from './config.ts';
import { callbackReader } from './providers/http-v1/callback.ts';
import { httpV1Provider } from './providers/http-v1/client.ts';
import { workers } from './workers/workers.ts';

export type { GatewayConfig } from './config.ts';

@Module({})
class GatewayModule {}

/** Consumers, workers, the relay and HTTP requests each need connections of their own. */
const poolMax = 20;

/** Wires the gateway: opens the database, makes topics, and gives what `createService` and `runService` start. */
export async function assemble({ settings, rules }: GatewayConfig): Promise<ServiceOptions> {
  const readers = callbackReaders(rules);
  const providers: Providers = new Map([...rules.providers].map(([id, one]) => [id, httpV1Provider(one)]));
  const runtime = await openRuntime({
    name: 'provider-gateway',
    source: sources.gateway,
    settings,
    migrations: {
      scope: 'provider-gateway',
      directory: fileURLToPath(new URL('../migrations', import.meta.url)),
    },
    publishes: [topics.events],
    poolMax,
  });
  const logger = new Logger('Gateway');
  const { count, register } = counters();
  const options = storeOptions(runtime);
  const store = postgresStore(runtime.unitOfWork, options);
  const work = workers({
    store,
    providers,
    retryLimits: retryLimits(rules),
    count,
    owner: settings.instanceId,
    upstream: () => upstreamTicks(runtime.ticks) satisfies readonly UpstreamTick[],
    drainTimeoutMs: settings.drainTimeoutMs,
    onError: (error) => logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  });
  const open = (tx: Tx) => storeTx(tx, options);
  runtime.consume(slipEvents<Tx>({ open, count, onDue: work.wake }));
  runtime.consume(reportedResults<Tx>({ open, count }));
  // Two live instances never share a name, so whatever stands under ours was left by a process that died.
  runtime.addPart({
    name: 'own abandoned attempts',
    start: () => store.run((tx) => tx.dispatches.abandonOwn(settings.instanceId)),
    stop: async () => {},
  });
  for (const part of work.parts) runtime.addPart(part);
  publishWatermarks(runtime, store, open);
  const view = { store, providers, dispatchSlots: work.dispatchSlots, inquirySlots: work.inquirySlots };
  return {
    name: 'provider-gateway',
    module: {
      module: GatewayModule,
      controllers: [CallbacksController, ProvidersController],
      providers: [
        { provide: CALLBACK_INTAKE, useValue: callbackIntake(readers, store, count) },
        { provide: PROVIDER_VIEW, useValue: view },
      ],
    },
    settings,
    parts: (host) => {
      register(host.metrics);
      return runtime.parts(host);
    },
  };
}

function storeOptions(runtime: Runtime): StoreOptions {
  return {
    encode: (event) => outboundEvent(runtime, event),
    events: { group: slipEventsGroup, topic: topics.events.name },
    resultsTopic: topics.results.name,
  };
}

function retryLimits(rules: Rules) {
  const fallback = { retryInitialMs: 200, retryMaxMs: 30_000 };
  // A route may have been taken out of the rules while its slips still run.
  return (route: string) => rules.routes.get(route) ?? fallback;
}

function publishWatermarks(runtime: Runtime, store: Store, open: (tx: Tx) => ReturnType<typeof storeTx>) {
  const barrier = runtime.inboundBarrier(topics.results, resultsGroup);
  runtime.publishWatermarks({
    async bounds(tx) {
      return readBounds(open(tx), {
        resultsHandledTo: await barrier.bound(tx),
        partitionsOfResults: topics.results.partitions,
        upstream: upstreamMarks(runtime.ticks),
      });
    },
    open: () => store.run(anythingOpen),
  });
}

type Readers = ReadonlyMap<string, ReturnType<typeof callbackReader>>;

function callbackReaders(rules: Rules): Readers {
  return new Map([...rules.providers].map(([id, one]) => [id, callbackReader(id, one.secrets)]));
}

const callbacksWaitingMax = 2_000;

function callbackIntake(readers: Readers, store: Store, count: Count): CallbackIntake {
  const group = new GroupCommit<ReceivedCallback, CallbackHandling>(
    (callbacks) => receiveCallbacks(store, callbacks, count),
    {
      batchSizeMax: 100,
      waitingMax: callbacksWaitingMax,
      onFull: () => new SlipstreamError('overloaded', 'Too many callbacks wait to be stored.'),
    },
  );
  return {
    reader: (provider) => readers.get(provider) ?? null,
    receive: (callback) => group.submit(callback),
  };
}
