import 'reflect-metadata';
import { hash } from 'node:crypto';
import { type DynamicModule, Logger, Module } from '@nestjs/common';
import { sources, topics } from '@slipstream/contracts';
import { openDataSource, UnitOfWork } from '@slipstream/postgres';
import {
  errorLog,
  openRuntime,
  outboundEvent,
  outboundOpsEvent,
  type Part,
  type Runtime,
} from '@slipstream/runtime';
import { type ServiceOptions } from '@slipstream/service-host';
import { type PendingEvent, type PendingOpsEvent, wallClock } from '@slipstream/slip';
import { AccountsController } from './adapters/http/accounts.controller.ts';
import { ComparisonController } from './adapters/http/comparison.controller.ts';
import { EventsController } from './adapters/http/events.controller.ts';
import { ProofsController } from './adapters/http/proofs.controller.ts';
import { SlipsController } from './adapters/http/slips.controller.ts';
import { StatsController } from './adapters/http/stats.controller.ts';
import { StreamController } from './adapters/http/stream.controller.ts';
import { type Suspense, SuspenseController } from './adapters/http/suspense.controller.ts';
import { PROOFS, QUERIES, SUSPENSE } from './adapters/http/tokens.ts';
import { eventsSubscription } from './adapters/kafka/events-subscription.ts';
import { RecentBatches } from './adapters/kafka/recent-batches.ts';
import { ledgerMetrics } from './adapters/metrics/ledger-metrics.ts';
import { balanceReads } from './adapters/postgres/balance-reads.ts';
import { checkpointTx } from './adapters/postgres/checkpoints.ts';
import { foldBack } from './adapters/postgres/fold-back.ts';
import { foldProposal } from './adapters/postgres/fold-decisions.ts';
import { ledgerQueries } from './adapters/postgres/ledger-queries.ts';
import { ledgerTx } from './adapters/postgres/ledger-tx.ts';
import { buildTree, buildTrees } from './adapters/postgres/log-trees.ts';
import { LogWatch } from './adapters/postgres/log-watch.ts';
import { LostAnswers } from './adapters/postgres/lost-answers.ts';
import { PositionWaits } from './adapters/postgres/position-waits.ts';
import { proofs } from './adapters/postgres/proofs.ts';
import { Remembered } from './adapters/postgres/remembered.ts';
import { countOnce } from './adapters/postgres/statistics-projection.ts';
import { suspenseReads, suspenseTx } from './adapters/postgres/suspense.ts';
import { BalanceCheck } from './application/check-balances.ts';
import type { LedgerMonitor } from './application/ports.ts';
import type { Proofs } from './application/proofs.ts';
import type { LedgerQueries } from './application/queries.ts';
import { type DecideSuspenseContext, decideSuspense } from './application/suspense/decide-suspense.ts';
import { takeCheckpoint } from './application/take-checkpoint.ts';
import { useCases } from './application/use-cases.ts';
import type { Config } from './config.ts';
import { sha256, transactionId, treeHashes } from './digests.ts';
import { migrations } from './migrations.ts';
import { type BalanceLooks, balanceLooks } from './workers/balance-looks.ts';
import { Checkpointer } from './workers/checkpointer.ts';

export type { Config } from './config.ts';

@Module({
  controllers: [
    ProofsController,
    SlipsController,
    EventsController,
    AccountsController,
    SuspenseController,
    StatsController,
    ComparisonController,
    StreamController,
  ],
})
class LedgerModule {
  static with(queries: LedgerQueries, ofLog: Proofs, suspense: Suspense): DynamicModule {
    const providers = [
      { provide: QUERIES, useValue: queries },
      { provide: PROOFS, useValue: ofLog },
      { provide: SUSPENSE, useValue: suspense },
    ];
    return { module: LedgerModule, providers };
  }
}

/** Wires the service. Nothing runs before it is given to `runService` or `createService`. */
export async function assemble({ settings, rules, checkpoints }: Config): Promise<ServiceOptions> {
  const source = sources.ledger;
  const runtime = await openRuntime({
    name: 'ledger',
    source,
    settings,
    migrations,
    publishes: [topics.events],
    publishesUnnumbered: [topics.checkpoints],
    configDigest: rules.digest,
    foldOpsEvent: foldProposal,
    connectionsBeside: readsMax,
  });
  const { newId } = runtime;
  const logger = new Logger('Ledger');
  const monitor = ledgerMetrics(logger, rules.routes.values());
  await buildTrees(runtime.unitOfWork, (partition, size) => {
    logger.log(`the tree of partition ${partition} is being built: ${size} leaves`);
  });
  const remembered = new Remembered();
  const lost = new LostAnswers(runtime.ownLog);
  const recentBatches = new RecentBatches();
  const reads = await openReads(settings.databaseUrl);
  const logWatch = new LogWatch(reads.unitOfWork);
  const queries = ledgerQueries(reads.unitOfWork, {
    waitFor: new PositionWaits(reads.unitOfWork).wait,
    logMoved: logWatch.moved,
  });
  const check = new BalanceCheck(balanceReads(reads.unitOfWork), monitor);
  const balances = balanceLooks(check, errorLog(new Logger('Balances')));
  const outbound = (event: PendingEvent) => outboundEvent({ source, newId }, event);
  const { recordBatch } = useCases({
    ...{ sha256, treeHashes, newId, transactionId },
    monitor: wakingBalances(monitor, balances),
  });
  runtime.consume(
    eventsSubscription({
      sha256,
      ledgerTx: (tx) => ledgerTx(tx, remembered, lost),
      open: (partition) => buildTree(runtime.unitOfWork, partition),
      forget: (partition) => {
        remembered.forget(partition);
        lost.forget(partition);
      },
      recordBatch,
      outbound,
    }),
  );
  runtime.recoverWith(
    foldBack(runtime.unitOfWork, { ...{ ownLog: runtime.ownLog, newId, transactionId }, outbound }),
  );
  runtime.onHandled(recentBatches.sawBatch);
  runtime.onHandled(logWatch.wake);
  const checkpointer = new Checkpointer({
    intervalMs: checkpoints.intervalMs,
    take: (minMs) =>
      runtime.unitOfWork.run((tx) => takeCheckpoint(checkpointTx(tx), checkpoints.key, newId, minMs)),
    mayRun: runtime.isOpen,
    onError: (error) =>
      logger.error(`no checkpoint: ${error instanceof Error ? error.message : String(error)}`),
  });
  runtime.onHandled(checkpointer.changed);
  runtime.addPart(checkpointer);
  const ofLog = proofs(reads.unitOfWork, () => checkpointer.now());
  runtime.publishWatermarks({
    // An imported clock is bounded by the gateway alone.
    bounds: async () => [{ clock: wallClock, time: null, closed: false }],
    open: recentBatches.any,
  });
  return {
    name: 'ledger',
    examples: new URL('../examples.json', import.meta.url),
    module: LedgerModule.with(queries, ofLog, suspenseOf(runtime, reads.unitOfWork)),
    settings,
    deadLetters: runtime.deadLetters,
    partitions: runtime.partitions,
    cursorKey: runtime.cursorKey,
    tracing: runtime.tracing,
    parts: (host) => {
      monitor.register(host.metrics);
      return [reads.part, ...runtime.parts(host), countPart(reads.unitOfWork), balances];
    },
  };
}

function suspenseOf({ source, newId, unitOfWork }: Runtime, readsOf: UnitOfWork): Suspense {
  const reads = suspenseReads(readsOf);
  const outbound = {
    event: (event: PendingEvent) => outboundEvent({ source, newId }, event),
    opsEvent: (event: PendingOpsEvent) => outboundOpsEvent({ source, newId }, event),
  };
  const inTransaction: DecideSuspenseContext['inTransaction'] = (work) =>
    unitOfWork.run((tx) => work(suspenseTx(tx, outbound)));
  const decides = decideSuspense({ reads, inTransaction, newId, transactionId });
  return { ...decides, reads, newId, digestOf: (value) => hash('sha256', JSON.stringify(value), 'buffer') };
}

/** Counts what a release before did not, beside everything else. */
function countPart(unitOfWork: UnitOfWork): Part {
  const logger = new Logger('Statistics');
  const stopping = new AbortController();
  let counting: Promise<void> = Promise.resolve();
  return {
    name: 'statistics',
    start: async () => {
      counting = countOnce(unitOfWork, stopping.signal).catch((error) => {
        if (stopping.signal.aborted) return;
        logger.error('slips of before were not counted: that is tried again at the next start', error);
      });
    },
    stop: () => {
      stopping.abort();
      return counting;
    },
  };
}

function wakingBalances(monitor: LedgerMonitor, { wake }: BalanceLooks): LedgerMonitor {
  return {
    ...monitor,
    postingsBooked(count) {
      monitor.postingsBooked(count);
      if (count > 0) wake();
    },
  };
}

const readsMax = 4;

/** Connections of the readers' own: questions, however slow and many, never keep the log waiting. */
async function openReads(url: string): Promise<{ readonly unitOfWork: UnitOfWork; readonly part: Part }> {
  const dataSource = await openDataSource({
    url,
    applicationName: 'slipstream-ledger-reads',
    poolMax: readsMax,
    statementTimeoutMs: 5_000,
  });
  const part: Part = { name: 'reads', start: async () => {}, stop: () => dataSource.destroy() };
  return { unitOfWork: new UnitOfWork(dataSource), part };
}
