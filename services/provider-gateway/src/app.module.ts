import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { Logger, Module } from '@nestjs/common';
import { sources, topics } from '@slipstream/contracts';
import type { SigningKeys } from '@slipstream/identity';
import { SlipstreamError } from '@slipstream/kernel';
import { endClocks, GroupCommit, type Tx } from '@slipstream/postgres';
import type { Rules } from '@slipstream/rules';
import {
  clockWatch,
  errorLog,
  every,
  type Health,
  Loop,
  openRuntime,
  outboundEvent,
  outboundOpsEvent,
  type Part,
  type Runtime,
} from '@slipstream/runtime';
import { type ServiceOptions } from '@slipstream/service-host';
import { wallClock } from '@slipstream/slip';
import { tracedCalls } from './adapters/calls/call-spans.ts';
import { type MeteredCall, watched } from './adapters/calls/circuits.ts';
import { probes } from './adapters/calls/probes.ts';
import { certificateSigner } from './adapters/certificates/envelope.ts';
import {
  CALLBACK_INTAKE,
  type CallbackIntake,
  CallbacksController,
} from './adapters/http/callbacks.controller.ts';
import { CERTIFICATE_KEYS, CertificatesController } from './adapters/http/certificates.controller.ts';
import { counters } from './adapters/http/metrics.ts';
import { PROVIDER_VIEW, ProvidersController } from './adapters/http/providers.controller.ts';
import { SLIP_VIEW, SlipsController, type SlipViews } from './adapters/http/slips.controller.ts';
import { UNMATCHED_VIEW, UnmatchedController } from './adapters/http/unmatched.controller.ts';
import { reportedResults, resultsGroup } from './adapters/kafka/reported-results.ts';
import { slipEvents, slipEventsGroup } from './adapters/kafka/slip-events.ts';
import { upstreamMarks, wholeUpstreamTicks } from './adapters/kafka/upstream.ts';
import { detectorSilence } from './adapters/postgres/detector-silence.ts';
import { forgetsCallbacks } from './adapters/postgres/forget-callbacks.ts';
import { foldSwitch } from './adapters/postgres/provider-states.ts';
import { recovery } from './adapters/postgres/recovery.ts';
import { mayPass, postgresStore, type StoreOptions, storeTx } from './adapters/postgres/store.ts';
import { CallbackTally } from './application/callback-tally.ts';
import { DatabaseTime } from './application/database-time.ts';
import { DelayLog } from './application/delays.ts';
import type { NewlyDue } from './application/follow-slips.ts';
import type { Providers } from './application/ports.ts';
import type { CallbackHandling, ReceivedCallback } from './application/receive-callbacks.ts';
import type { UpstreamTick } from './application/release-parked.ts';
import { routing } from './application/routing.ts';
import { callSlots } from './application/slots.ts';
import { tellHealth } from './application/tell-health.ts';
import { type UseCases, useCases } from './application/use-cases.ts';
import { createDetectorWatch } from './application/watch-detector.ts';
import type { GatewayConfig } from './config.ts';
import type { ObservedDelay } from './domain/provider/delays.ts';
import { openProviders } from './providers/registry.ts';
import { type Workers, workers } from './workers/workers.ts';

export type { GatewayConfig } from './config.ts';

@Module({})
class GatewayModule {}

/** Consumers, workers, the relay and HTTP requests each need connections of their own. */
const poolMax = 20;

/** Wires the gateway: opens the database, makes topics, and gives what `createService` and `runService` start. */
export async function assemble({ settings, rules, certificateKeys }: GatewayConfig): Promise<ServiceOptions> {
  const runtime = await openRuntime({
    ...{ name: 'provider-gateway', source: sources.gateway, settings, poolMax },
    migrations: {
      scope: 'provider-gateway',
      directory: fileURLToPath(new URL('../migrations', import.meta.url)),
    },
    publishes: [topics.events],
    configDigest: rules.digest,
    foldOpsEvent: foldSwitch,
  });
  const logger = new Logger('Gateway');
  const onError = errorLog(logger);
  const { count, meter, underWay, meterCallback, register } = counters(rules.routes, rules.providers.keys());
  const delays = new DelayLog();
  const monotonicMs = () => performance.now();
  const time = new DatabaseTime(monotonicMs, () => Date.now());
  const options = storeOptions(runtime, certificateKeys, delays, time);
  const store = postgresStore(runtime.unitOfWork, options);
  const opened = openProviders(rules.providers.values(), { monotonicMs, nowMs: () => time.nowMs() });
  const called = runtime.tracing ? tracedCalls(opened, runtime.tracing) : opened;
  const { providers, circuits } = watched(called, {
    monotonicMs,
    onCall: (call) => {
      meter(call);
      delays.note(acceptedBy(call));
    },
    onUnderWay: underWay,
    onHealth: (change) => tellHealth({ store, instance: settings.instanceId, onError }, change),
  });
  const slots = callSlots(providers, circuits, runtime.instances, onError);
  const routes = new Map([...rules.routes].map(([id, route]) => [id, route.providers]));
  const ways = routing({ routes, providers, isHealthy: circuits.isHealthy, random: Math.random });
  const clockTrouble = clockWatch(
    runtime.ticks,
    [sources.intake, sources.gateway],
    rules.detection.clockSkewMsMax,
    (line) => logger.error(`calls to providers: ${line}`),
  );
  const does = useCases({
    store,
    log: { watch: () => runtime.watchSent() },
    clockTrouble,
    providers,
    ...slots,
    circuits,
    instances: runtime.instances,
    routing: ways,
    retryLimits: retryLimits(rules),
    random: Math.random,
    monotonicMs,
    owner: settings.instanceId,
    count,
    onUntold: onError,
    delays,
    callbackTally: new CallbackTally(meterCallback),
  });
  const work = workers({
    does: resting(does, runtime.isOpen),
    providers,
    ...slots,
    upstream: () => wholeUpstreamTicks(runtime.ticks) satisfies readonly UpstreamTick[],
    drainTimeoutMs: settings.drainTimeoutMs,
    hasChoice: ways.hasChoice,
    mayPass,
    unwritten: runtime.unwritten,
    onError,
  });
  const open = (tx: Tx) => storeTx(tx, options);
  runtime.recoverWith(recovery(runtime.unitOfWork, options.events));
  runtime.consume(slipEvents({ does, open, count, newIntents: work.newIntents, onDue: work.wake }));
  runtime.consume(reportedResults<Tx>({ does, open }));
  const parts = [ownAttempts(does, runtime.isOpen), ...work.parts, ...probes(providers, onError)];
  for (const part of parts) runtime.addPart(part);
  runtime.onHandled(work.stir);
  publishWatermarks(runtime, does);
  runtime.addPart(detectorWatch(runtime, settings.instanceId, onError));
  const forgets = forgetsCallbacks(runtime.unitOfWork);
  runtime.addPart(new Loop({ name: 'handled callbacks', round: forgets, pauseMs: 1_000, onError }));
  return {
    name: 'provider-gateway',
    examples: new URL('../examples.json', import.meta.url),
    module: {
      module: GatewayModule,
      controllers: [
        CallbacksController,
        CertificatesController,
        ProvidersController,
        SlipsController,
        UnmatchedController,
      ],
      providers: [
        {
          provide: CALLBACK_INTAKE,
          useValue: callbackIntake({ providers, does, isOpen: runtime.isOpen, work, onError }),
        },
        { provide: PROVIDER_VIEW, useValue: resting(does, runtime.isOpen) },
        { provide: CERTIFICATE_KEYS, useValue: certificateKeys.publicKeys },
        { provide: SLIP_VIEW, useValue: slipViews(resting(does, runtime.isOpen), work.wake) },
        { provide: UNMATCHED_VIEW, useValue: does },
      ],
    },
    settings,
    // Signed byte for byte, and kept whatever it says.
    limits: { fileTypesOf: { '/v1/callbacks/:provider': ['application/json'] } },
    deadLetters: runtime.deadLetters,
    partitions: runtime.partitions,
    cursorKey: runtime.cursorKey,
    tracing: runtime.tracing,
    parts: (host) => {
      register(host.metrics);
      host.health.register('calls to providers', () => callsMade(clockTrouble()));
      return runtime.parts(host);
    },
  };
}

/** A call that its provider answered was accepted by then. */
function acceptedBy({ provider, call, outcome, tookMs: ms }: MeteredCall): ObservedDelay[] {
  return call === 'dispatch' && outcome === 'answered' ? [{ provider, kind: 'acceptance', ms }] : [];
}

/** Answers are taken meanwhile, so the service is ready; what it does not do is said. */
function callsMade(trouble: string | null): Health {
  return { ok: true, detail: trouble === null ? 'made' : `paused: ${trouble}` };
}

/** Two live instances never share a name, so whatever stands under ours was left by a process that died. */
function ownAttempts(does: UseCases, isOpen: () => boolean): Part {
  return {
    name: 'own abandoned attempts',
    // What the log is still to tell of is left to its leases.
    start: async () => {
      if (isOpen()) await does.recoverOwn();
    },
    stop: async () => {},
  };
}

/**
 * While the database may be older than the log the workers rest: what they decided could not be written. What a provider
 * answered is kept meanwhile: the slip it is about may be one that is not folded back yet.
 */
function resting(does: UseCases, isOpen: () => boolean): UseCases {
  const requireOpen = () => {
    if (!isOpen()) throw new SlipstreamError('unavailable', 'The service is still reading its own log.');
  };
  return {
    ...does,
    recordOutcomes: async (calls) => {
      requireOpen();
      await does.recordOutcomes(calls);
    },
    recordAnswers: async (answers) => {
      requireOpen();
      await does.recordAnswers(answers);
    },
    receiveCallbacks: async (callbacks) => {
      requireOpen();
      return does.receiveCallbacks(callbacks);
    },
    newIntents: (calls) => (isOpen() ? does.newIntents(calls) : null),
    reroute: async () => (isOpen() ? does.reroute() : 0),
    switchProvider: async (request) => {
      requireOpen();
      return does.switchProvider(request);
    },
    restoreProof: async (request) => {
      requireOpen();
      return does.restoreProof(request);
    },
    recheckDue: async (record) => (isOpen() ? does.recheckDue(record) : 0),
    recordRechecks: async (answers) => {
      requireOpen();
      await does.recordRechecks(answers);
    },
    askForPeople: async (request) => {
      requireOpen();
      return does.askForPeople(request);
    },
    dispatchDueSlips: async (calls) => (isOpen() ? does.dispatchDueSlips(calls) : 0),
    inquireDue: async (calls) => (isOpen() ? does.inquireDue(calls) : 0),
    recoverAbandoned: async () => (isOpen() ? does.recoverAbandoned() : 0),
    takeUpOrphans: async () => (isOpen() ? does.takeUpOrphans() : 0),
    keepCallbackCounts: async () => (isOpen() ? does.keepCallbackCounts() : 0),
    readStatements: async () => (isOpen() ? does.readStatements() : 0),
    releaseParked: async (upstream) => (isOpen() ? does.releaseParked(upstream) : 0),
  };
}

function storeOptions(
  runtime: Runtime,
  certificateKeys: SigningKeys,
  delays: DelayLog,
  time: DatabaseTime,
): StoreOptions {
  return {
    encode: (event) => outboundEvent(runtime, event),
    encodeOps: (event) => outboundOpsEvent(runtime, event),
    events: { group: slipEventsGroup, topic: topics.events.name },
    resultsTopic: topics.results.name,
    certify: certificateSigner(certificateKeys),
    observe: (observed) => delays.note(observed),
    hear: (now) => time.hear(now),
  };
}

function retryLimits(rules: Rules) {
  const fallback = { retryInitialMs: 200, retryMaxMs: 30_000 };
  // A route may have been taken out of the rules while its slips still run.
  return (route: string) => rules.routes.get(route) ?? fallback;
}

function publishWatermarks(runtime: Runtime, does: UseCases) {
  const barrier = runtime.inboundBarrier(topics.results, resultsGroup);
  runtime.publishWatermarks({
    async bounds() {
      const resultsHandledTo = await barrier.bound();
      const partitionsOfResults = topics.results.partitions;
      const upstream = upstreamMarks(runtime.ticks);
      return does.readBounds({ resultsHandledTo, partitionsOfResults, upstream });
    },
    open: does.anythingOpen,
    waits: does.linesOfRoutes,
    onClosed: (clocks) => endClocks(runtime.unitOfWork, topics.results.name, clocks),
  });
}

function slipViews(does: UseCases, wake: (due: NewlyDue) => void): SlipViews {
  return {
    showPeoplesQuestion: does.showPeoplesQuestion,
    showCertificate: does.showCertificate,
    ask: async (request) => {
      const will = await does.askForPeople(request);
      wake({ calls: 0, inquiries: 1 });
      return will;
    },
  };
}

/** Says so when nothing is heard of the reconciler: nobody looks for missing outcomes then. */
function detectorWatch(runtime: Runtime, instance: string, onError: (error: unknown) => void): Part {
  const { ticks, unitOfWork } = runtime;
  const watch = createDetectorWatch({
    ...detectorSilence(unitOfWork, instance, (event) => outboundOpsEvent(runtime, event)),
    silentMs: () => ({
      detector: ticks.ageMs(sources.reconciliation, wallClock),
      ourselves: ticks.ageMs(sources.gateway, wallClock),
    }),
  });
  return new Loop({ name: 'detector watch', round: every(1_000, watch), pauseMs: 1_000, onError });
}

const callbacksWaitingMax = 2_000;

function callbackIntake({
  providers,
  does,
  isOpen,
  work,
  onError,
}: {
  readonly providers: Providers;
  readonly does: UseCases;
  readonly isOpen: () => boolean;
  readonly work: Pick<Workers, 'wake' | 'callbacks'>;
  readonly onError: (error: unknown) => void;
}): CallbackIntake {
  const ask = () => work.wake({ calls: 0, inquiries: 1 });
  const group = new GroupCommit<ReceivedCallback, CallbackHandling>(does.receiveCallbacks, {
    batchSizeMax: 100,
    waitingMax: callbacksWaitingMax,
    onFull: () => new SlipstreamError('overloaded', 'Too many callbacks wait to be stored.'),
  });
  return {
    reader: (provider) => providers.get(provider)?.callbackReader ?? null,
    receive: async (callback) => {
      // A slip that is not folded back yet would make an orphan of it: the provider is to say it again.
      if (!isOpen()) throw new SlipstreamError('unavailable', 'The service is still reading its own log.');
      const handling = await group.submit(callback).catch((error) => {
        work.callbacks.failed(callback, error);
        throw error;
      });
      work.callbacks.written();
      if (handling === 'doubtful' || handling === 'unreadable') ask();
      return handling;
    },
    refused: async (callback) => {
      try {
        if (isOpen() && (await does.refuseCallback(callback))) ask();
      } catch (error) {
        onError(error);
      }
    },
  };
}
