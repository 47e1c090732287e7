import 'reflect-metadata';
import { hash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Logger, Module } from '@nestjs/common';
import { partitionsDefault, sources, topics } from '@slipstream/contracts';
import { addMs } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import {
  clockSpreadMs,
  clockTrouble,
  errorLog,
  every,
  Loop,
  openRuntime,
  outboundOpsEvent,
  type Runtime,
  worstClock,
} from '@slipstream/runtime';
import { type Host, type ServiceOptions } from '@slipstream/service-host';
import { type PendingOpsEvent, wallClock } from '@slipstream/slip';
import { statementSources } from './adapters/formats/sources.ts';
import { ACTIONS, ActionsController, type CaseActions } from './adapters/http/actions.controller.ts';
import { BreaksController } from './adapters/http/breaks.controller.ts';
import { BridgesController } from './adapters/http/bridges.controller.ts';
import { CasesController, READS } from './adapters/http/cases.controller.ts';
import { INCIDENTS, IncidentsController } from './adapters/http/incidents.controller.ts';
import {
  lateStagesCounter,
  registerCases,
  registerMetrics,
  registerReturns,
  unknownTypesCounter,
} from './adapters/http/metrics.ts';
import { BUDGET, type BudgetView, RepairBudgetController } from './adapters/http/repair-budget.controller.ts';
import { ReturnCurvesController } from './adapters/http/return-curves.controller.ts';
import {
  STATEMENTS,
  type StatementDesk,
  StatementsController,
  statementBytesMax,
  statementTypes,
} from './adapters/http/statements.controller.ts';
import { WATCH, type Watch, WatermarksController } from './adapters/http/watermarks.controller.ts';
import { followBooked } from './adapters/kafka/booked-log.ts';
import { MarkStore } from './adapters/kafka/mark-store.ts';
import { ids, slowId, stageLateId, toRecords, warningId } from './adapters/kafka/outgoing.ts';
import { lookEverywhere, ownedPartitions } from './adapters/kafka/owned-partitions.ts';
import { QuietLane } from './adapters/kafka/quiet-lane.ts';
import { resting } from './adapters/kafka/resting.ts';
import { oneOwner, returnsOwner } from './adapters/kafka/returns-owner.ts';
import { quietSlipEvents, subscription } from './adapters/kafka/slip-events.ts';
import { slipLog } from './adapters/kafka/slip-log.ts';
import { StallBook } from './adapters/kafka/stall-book.ts';
import {
  gatewayWallTime,
  heardServices,
  noteTick,
  serviceOf,
  shownTicks,
  stallOf,
} from './adapters/kafka/watermarks.ts';
import { createActionDesk } from './adapters/postgres/action-desk.ts';
import { openActionsUnit, withEscalations } from './adapters/postgres/actions-unit.ts';
import { blindnessStore } from './adapters/postgres/blindness-store.ts';
import { bookedThrough, saveBooked } from './adapters/postgres/booked-slips.ts';
import { lookAtCases } from './adapters/postgres/case-counts.ts';
import { foldBackUnit, takeUndecided, withUndecided } from './adapters/postgres/fold-back-unit.ts';
import { foldOpsEvent } from './adapters/postgres/fold-ops-event.ts';
import { forgetOld } from './adapters/postgres/forget-old.ts';
import { createIncidentReads } from './adapters/postgres/incident-reads.ts';
import { changedIncidents, incidentsTurn } from './adapters/postgres/incident-store.ts';
import { createLookout } from './adapters/postgres/lookout.ts';
import {
  anythingOpen,
  earliestAwaited,
  judgedThrough,
  lookAtOpenSlips,
} from './adapters/postgres/open-slips.ts';
import { createQuietStore } from './adapters/postgres/quiet-store.ts';
import { createReads } from './adapters/postgres/reads.ts';
import { recovery } from './adapters/postgres/recovery.ts';
import { lookAtSpent } from './adapters/postgres/repair-spent.ts';
import { closeRepaired } from './adapters/postgres/repairs.ts';
import { anySteps, returnsTurn } from './adapters/postgres/returns-store.ts';
import { keepStalls, keptStalls } from './adapters/postgres/stalls.ts';
import { statementStore } from './adapters/postgres/statement-store.ts';
import { statementViews } from './adapters/postgres/statement-views.ts';
import { openUnit } from './adapters/postgres/unit.ts';
import { actOnCases } from './application/actions/act-on-cases.ts';
import { type ActionsParts, escalateCases, takeActions } from './application/actions/take-actions.ts';
import type { Means } from './application/advance.ts';
import type { Unit } from './application/ports.ts';
import { keepQuietDue } from './application/quiet/keep-due.ts';
import { withSlips } from './application/quiet/looked-at.ts';
import type { Reads } from './application/reads.ts';
import { createSlowTeller } from './application/returns/tell-slow.ts';
import { createStageTeller } from './application/stages/tell-late-stages.ts';
import { acceptStatement } from './application/statements/accept-statement.ts';
import { matchNamedLines } from './application/statements/match-named-lines.ts';
import { matchStatements } from './application/statements/match-statements.ts';
import { useCases } from './application/use-cases.ts';
import type { ReconciliationConfig } from './config.ts';

export type { ReconciliationConfig } from './config.ts';

/** Whose clocks live verdicts rest on: deadlines are intake's, answers the gateway's, holds the ledger's, steps our own. */
const judgedBy = Object.values(sources);

@Module({})
class ReconciliationModule {}

/** Wires reconciliation: opens the database, makes topics, and gives what `createService` and `runService` start. */
export async function assemble({ settings, rules }: ReconciliationConfig): Promise<ServiceOptions> {
  const directory = fileURLToPath(new URL('../migrations', import.meta.url));
  const runtime = await openRuntime({
    name: 'reconciliation',
    source: sources.reconciliation,
    settings,
    migrations: { scope: 'reconciliation', directory },
    publishes: [topics.events],
    configDigest: rules.digest,
    foldOpsEvent,
  });
  const { unitOfWork, ticks } = runtime;
  const unit = (tx: Tx): Unit => openUnit(tx, subscription, (to, decided) => to.publish(toRecords(decided)));
  const unknownTypes = unknownTypesCounter();
  const marks = new MarkStore();
  const stalls = new StallBook(await keptStalls(unitOfWork));
  const means = (): Means => ({ ids, stalls: stalls.all() });
  const reader = runtime.readAgain(topics.events);
  const quietStore = createQuietStore(unitOfWork, subscription);
  const quiet = new QuietLane({
    ...{ store: quietStore, log: slipLog(reader), reader, unit, onUnknownTypes: unknownTypes.count },
    foldEvents: (to, partition, events) => does.foldEvents(to, partition, events),
    foldBack: (tx, slips, partition, events) =>
      does.foldBack(withSlips(foldBackUnit(tx, partition, unit(tx)), slips), partition, events),
    heard: () => gatewayWallTime(ticks),
  });
  const consumer = resting(runtime.isOpen, runtime.consume(quietSlipEvents(quiet, unknownTypes.count)));
  const logger = new Logger('Detector');
  runtime.recoverWith(
    recovery({
      ...{ unitOfWork, subscription, lacks: (partition, shared) => quiet.lacks(partition, shared) },
    }),
  );
  const clockState = () => {
    const trouble = clockTrouble(ticks, judgedBy, rules.detection.clockSkewMsMax);
    const toBlame = trouble === null ? null : serviceOf(worstClock(ticks, judgedBy));
    return { trouble, toBlame, spreadMs: clockSpreadMs(ticks, judgedBy) };
  };
  const owned = ownedPartitions(consumer, quiet, unit);
  const reads = createReads(unitOfWork, partitionsDefault);
  const tellOps = (tx: Tx) => (events: readonly PendingOpsEvent[]) =>
    tx.publish(events.map((event) => outboundOpsEvent(runtime, event)));
  const lookout = lookEverywhere(createLookout(unitOfWork, subscription), quiet);
  const does = useCases({
    ...{ marks, means, owned, isOwn: ({ source }) => source === sources.reconciliation },
    budget: rules.repair,
    lookout,
    clocks: clockState,
    reads,
    returns: {
      settings: rules.detection.earlyWarning,
      store: returnsOwner({
        ...{ consumer, marks, partitions: partitionsDefault, clocks: clockState },
        judgedThrough: () => judgedThrough(unitOfWork),
        anySteps: (after, through) => anySteps(unitOfWork, after, through),
        turn: (tx) => returnsTurn(tx, tellOps(tx)),
      }),
      warningId,
      log: (message) => logger.warn(message),
    },
    incidents: {
      store: {
        ...oneOwner(consumer, (tx) => incidentsTurn(tx, { warningId }, tellOps(tx))),
        changed: () => changedIncidents(unitOfWork),
      },
      newId: ids.newId,
      log: (message) => logger.warn(message),
    },
    monotonicMs: () => performance.now(),
    blindness: {
      blindMsMax: rules.detection.blindMsMax,
      heard: () => gatewayWallTime(ticks),
      services: () => heardServices(ticks),
      ...blindnessStore({
        ...{ unitOfWork, instance: settings.instanceId, inMemory: () => quiet.atRisk() },
        ...{ dueInMemory: (through) => quiet.waiting(through), newId: ids.newId },
        encode: (event) => outboundOpsEvent(runtime, event),
        partitions: () => [...consumer.positions().keys()],
      }),
      look: () => lookAtOpenSlips(unitOfWork),
      log: (message) => logger.warn(message),
    },
  });
  const tellSlow = createSlowTeller({
    ...{ marks, owned, clocks: clockState, quiet, slowId, curves: reads.returnCurves },
    publish: (partition, events) =>
      consumer.inPartition(partition, async (tx) => tx.publish(toRecords(events))),
  });
  const lateStages = lateStagesCounter();
  const tellLateStages = createStageTeller({
    ...{ marks, owned, lookout, clocks: clockState, quiet, stageLateId, stalls: () => stalls.all() },
    told: lateStages.count,
    publish: (partition, events) =>
      consumer.inPartition(partition, async (tx) => tx.publish(toRecords(events))),
  });
  const onError = errorLog(logger);
  const actionsParts: ActionsParts = {
    desk: createActionDesk({
      ...{ unitOfWork, newId: ids.newId, partitionOf: runtime.partitionOf },
      encode: (event) => outboundOpsEvent(runtime, event),
    }),
    means,
    partitions: () => [...consumer.positions().keys()],
    inPartition: (partition, work) =>
      consumer.inPartition(partition, async (tx) => work(await openActionsUnit(tx, unit(tx)))),
  };
  const actions = new Loop({
    ...{ name: 'case actions', pauseMs: 20, onError },
    round: every(1_000, () => takeActions(actionsParts)),
  });
  const cases: CaseActions = {
    ...actOnCases({
      ...{ desk: actionsParts.desk, reads, wake: actions.wake },
      slips: (slipIds) => unitOfWork.run((tx) => unit(tx).byId(slipIds)),
      pause: (ms) => setTimeout(ms),
    }),
    ...{ desk: actionsParts.desk, newId: ids.newId, partitionOf: runtime.partitionOf },
    digestOf: (value) => hash('sha256', JSON.stringify(value), 'buffer'),
  };
  const budget: BudgetView = { rules: rules.repair, spent: () => lookAtSpent(unitOfWork) };
  const seen = { cases: await lookAtCases(unitOfWork), spent: await budget.spent() };
  const detector = new Loop({ name: 'detection', round: every(2_000, does.detect), pauseMs: 20, onError });
  const watchers: [string, number, () => Promise<unknown>][] = [
    ['blindness', 2_000, () => does.watchBlindness()],
    ['ended clocks', 5_000, () => forgetEndedClocks(runtime, marks, does.reads)],
    ['returns', 500, () => does.watchReturns()],
    ['incidents', 2_000, () => does.watchIncidents()],
    ['slow slips', 2_000, tellSlow],
    ['late stages', 1_000, tellLateStages],
    [
      'undecided',
      1_000,
      async () => {
        for (const partition of await withUndecided(unitOfWork, [...consumer.positions().keys()]))
          await consumer.inPartition(partition, async (tx) =>
            does.decideUndecided(unit(tx), partition, await takeUndecided(tx, partition)),
          );
      },
    ],
    ['stalls', 1_000, () => stalls.save((fresh) => keepStalls(unitOfWork, fresh))],
    ['quiet deadlines', 1_000, keepQuietDue(quiet, quietStore)],
    [
      'old rows',
      3_600_000,
      async () => {
        while (await forgetOld(unitOfWork));
      },
    ],
    [
      'cases',
      10_000,
      async () => {
        const { escalateAfterMs } = rules.cases;
        const due = (owned: readonly number[]) => withEscalations(unitOfWork, owned, escalateAfterMs);
        await escalateCases(actionsParts, due, escalateAfterMs);
        [seen.cases, seen.spent] = [await lookAtCases(unitOfWork), await budget.spent()];
      },
    ],
  ];
  runtime.addPart(detector);
  runtime.addPart(actions);
  for (const [name, ms, work] of watchers)
    runtime.addPart(new Loop({ name, round: every(ms, work), pauseMs: 500, onError }));
  ticks.onTick((tick) => {
    noteTick(marks, tick);
    const stall = stallOf(tick);
    if (stall) stalls.note(stall);
    detector.wake();
  });
  runtime.onHandled(detector.wake);
  runtime.publishWatermarks({
    bounds: async () => [{ clock: wallClock, time: null, closed: false }],
    open: async () => quiet.slips > 0 || anythingOpen(unitOfWork),
    awaits: async () => {
      const own = quiet.earliestDue();
      const due = await earliestAwaited(unitOfWork, subscription, partitionsDefault, own);
      return due && addMs(due, Math.ceil(clockState().spreadMs));
    },
  });
  const sourcesOfStatements = statementSources(rules.statements);
  const statements = statementDesk(runtime, sourcesOfStatements, onError);
  // Without sources nothing of slips is kept for statements, and nothing is looked for.
  if (sourcesOfStatements.size > 0) {
    const providers = [...new Set([...sourcesOfStatements.values()].map(({ provider }) => provider))];
    const follow = () =>
      followBooked({
        ...{ consumer, reader },
        through: (partitions) => bookedThrough(unitOfWork, partitions),
        save: async (tx, partition, to, patches) => {
          saveBooked(tx, partition, to, patches, providers);
          tx.publish(toRecords(await closeRepaired(tx, patches)));
        },
      });
    runtime.addPart(new Loop({ name: 'booked slips', round: every(1_000, follow), pauseMs: 500, onError }));
    const match = async () => {
      if (!runtime.isOpen()) return;
      while (await matchStatements(statements.store, sourcesOfStatements));
      while (await matchNamedLines(statements.store, sourcesOfStatements));
    };
    runtime.addPart(new Loop({ name: 'statements', round: every(1_000, match), pauseMs: 500, onError }));
  }
  const watch: Watch = { sources: () => shownTicks(ticks), sight: does.sight };
  return {
    name: 'reconciliation',
    examples: new URL('../examples.json', import.meta.url),
    module: {
      module: ReconciliationModule,
      controllers: [
        CasesController,
        ActionsController,
        RepairBudgetController,
        IncidentsController,
        WatermarksController,
        ReturnCurvesController,
        StatementsController,
        BreaksController,
        BridgesController,
      ],
      providers: [
        { provide: READS, useValue: does.reads },
        { provide: INCIDENTS, useValue: createIncidentReads(unitOfWork) },
        { provide: WATCH, useValue: watch },
        { provide: ACTIONS, useValue: cases },
        { provide: BUDGET, useValue: budget },
        { provide: STATEMENTS, useValue: statements.desk },
      ],
    },
    settings,
    limits: {
      bodyBytesMaxOf: { '/v1/statements': statementBytesMax },
      fileTypesOf: { '/v1/statements': statementTypes },
    },
    deadLetters: runtime.deadLetters,
    partitions: runtime.partitions,
    cursorKey: runtime.cursorKey,
    tracing: runtime.tracing,
    parts: (host) => {
      unknownTypes.register(host.metrics);
      lateStages.register(host.metrics);
      registerReturns(host.metrics, does.watchedReturns);
      registerCases(host.metrics, rules.repair, () => seen);
      return partsOf(runtime, host, watch);
    },
  };
}

/** Statement files, as they come over HTTP, and where they are kept. */
function statementDesk(
  runtime: Runtime,
  sources: StatementDesk['sources'],
  onPutOff: (error: unknown) => void,
) {
  const { unitOfWork } = runtime;
  const publish = (tx: Tx, events: Parameters<typeof toRecords>[0]) => tx.publish(toRecords(events));
  const publishOps = (tx: Tx, event: PendingOpsEvent) => tx.publish([outboundOpsEvent(runtime, event)]);
  const store = statementStore({ unitOfWork, subscription, publish, publishOps, onPutOff });
  const views = statementViews({
    ...{ unitOfWork, publish, publishOps },
    acted: (tx, { breakId, action, reason, actor, requestId }) => {
      const data = {
        service: 'reconciliation',
        action: `break_${action}`,
        target: breakId,
        reason,
        actor,
        requestId,
      };
      tx.publish([outboundOpsEvent(runtime, { subject: breakId, event: { type: 'OperatorActed', data } })]);
    },
  });
  const desk: StatementDesk = {
    ...{ sources, views },
    accept: (file) => acceptStatement(store, runtime.newId, file),
  };
  return { store, desk };
}

/** A clock concluded on every partition says nothing more; a service that starts again may repeat its last word. */
async function forgetEndedClocks(
  { ticks, forgetClock }: Pick<Runtime, 'ticks' | 'forgetClock'>,
  marks: MarkStore,
  reads: Reads,
): Promise<void> {
  const heard = new Set(ticks.clocks());
  for (const clock of [...marks.clocks()]) if (!heard.has(clock)) marks.forget(clock);
  if (heard.size < 2) return;
  for (const { clock, concluded } of await reads.clocks()) {
    if (concluded && heard.has(clock)) await forgetClock(clock);
  }
}

function partsOf(runtime: Runtime, host: Host, { sight }: Watch) {
  registerMetrics(host.metrics, sight);
  // A blind detector still answers, and must: its readiness says so instead of hiding it.
  host.health.register('detector', () => ({
    ok: true,
    detail: sight().blind ? `detector blind: ${sight().why}` : 'sees',
  }));
  return runtime.parts(host);
}
