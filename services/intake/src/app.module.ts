import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { Logger, Module } from '@nestjs/common';
import { sources, topics } from '@slipstream/contracts';
import { endClocks, type Tx } from '@slipstream/postgres';
import type { Rules } from '@slipstream/rules';
import { errorLog, Loop, openRuntime, outboundEvent, outboundOpsEvent } from '@slipstream/runtime';
import { type ServiceOptions } from '@slipstream/service-host';
import type { PendingEvent } from '@slipstream/slip';
import { ACCOUNTS, AccountsController } from './adapters/http/accounts.controller.ts';
import { SLIP_URL, type SlipUrl } from './adapters/http/answer.ts';
import { BatchController } from './adapters/http/batch.controller.ts';
import { batchBytesMax } from './adapters/http/batch.dto.ts';
import { CHANGES, ChangesController } from './adapters/http/changes.controller.ts';
import { PREVIEW } from './adapters/http/preview.ts';
import { REVIEWS, ReviewsController } from './adapters/http/reviews.controller.ts';
import { SlipsController, SUBMIT, type Submit } from './adapters/http/slips.controller.ts';
import { commandsGroup, commandsSubscription } from './adapters/kafka/commands-subscription.ts';
import { followLines } from './adapters/kafka/follow-lines.ts';
import { accountStore, foldAccountEvent } from './adapters/postgres/accounts.ts';
import { DatabaseClock } from './adapters/postgres/database-clock.ts';
import { foldSlipEvent } from './adapters/postgres/fold-slip-event.ts';
import { intakeStore } from './adapters/postgres/intake-store.ts';
import { intakeTx } from './adapters/postgres/intake-tx.ts';
import { forgetRecentMax, forgetRecentSql } from './adapters/postgres/statements.ts';
import { waitingStore } from './adapters/postgres/waiting-store.ts';
import { clockBounds, isOpen } from './adapters/postgres/watermarks.ts';
import { Door } from './application/door.ts';
import { ExpectedWaits } from './application/expected-waits.ts';
import { type UseCases, useCases } from './application/use-cases.ts';
import type { IntakeConfig } from './config.ts';
import type { SubmissionRules } from './domain/submission/decide-submission.ts';
import { forgetRecent } from './workers/forget-recent.ts';
import { SubmissionGroup } from './workers/submission-group.ts';

export type { IntakeConfig } from './config.ts';

/** Until it is asked again whether the database was compared with the log. */
const closedMs = 1_000;

@Module({})
class IntakeModule {}

/** Wires intake: opens the database, makes topics, and gives what `createService` and `runService` start. */
export async function assemble({ settings, rules, ledgerUrl }: IntakeConfig): Promise<ServiceOptions> {
  const directory = fileURLToPath(new URL('../migrations', import.meta.url));
  const judgedBy = submissionRules(rules);
  const runtime = await openRuntime({
    name: 'intake',
    source: sources.intake,
    settings,
    migrations: { scope: 'intake', directory },
    publishes: [topics.events],
    configDigest: rules.digest,
    foldOpsEvent: foldAccountEvent,
    foldSlipEvent: (tx, recorded, partition) => foldSlipEvent(tx, recorded, partition, judgedBy.gates),
  });
  const encode = (event: PendingEvent) => outboundEvent(runtime, event);
  const lines = new ExpectedWaits(() => performance.now());
  followLines(runtime.ticks, lines);
  const clock = new DatabaseClock();
  const does = useCases({
    store: intakeStore(runtime.unitOfWork, encode, clock),
    waiting: waitingStore(runtime.unitOfWork, encode),
    accounts: accountStore(runtime.unitOfWork, (event) => outboundOpsEvent(runtime, event)),
    rules: judgedBy,
    lines,
    newId: runtime.newId,
    partitionOf: runtime.partitionOf,
  });
  const forgets = forgetRecent({
    gates: judgedBy.gates,
    forget: async (windowMs) => {
      const [gone] = await runtime.unitOfWork.query<{ n: number }>(forgetRecentSql, [windowMs]);
      return gone!.n === forgetRecentMax;
    },
    onError: errorLog(new Logger('Intake')),
  });
  if (forgets) runtime.addPart(forgets);
  const group = new SubmissionGroup(does.submitRequests);
  const due = new Loop({
    name: 'slips that wait',
    // Nothing is published while the database may be older than the log.
    round: async () => (runtime.isOpen() ? does.takeDueSlips() : closedMs),
    pauseMs: 1_000,
    onError: errorLog(new Logger('SlipsThatWait')),
  });
  runtime.addPart(due);
  const door = new Door({ rules: judgedBy, lines, clock: () => clock.now });
  const submit: Submit = async (request) => {
    const outcome = await door.pass(request, (one) => group.submit(one));
    if (outcome.type === 'accepted' && outcome.status !== 'submitted') due.wake();
    return outcome;
  };
  const changeSlip: UseCases['changeSlip'] = async (request) => {
    const outcome = await does.changeSlip(request);
    if (outcome.type === 'changed' && outcome.status === 'in_review') due.wake();
    return outcome;
  };
  const beginTrace = () => runtime.beginTrace('process slipstream.command.submit_slip.v1');
  runtime.consume(commandsSubscription<Tx>(does, (tx) => intakeTx(tx, encode), beginTrace));
  const slipUrl: SlipUrl = (slipId) => `${ledgerUrl ?? ''}/v1/slips/${slipId}`;
  const barrier = runtime.inboundBarrier(topics.commands, commandsGroup);
  runtime.publishWatermarks({
    bounds: () => clockBounds(runtime.unitOfWork, barrier),
    open: () => isOpen(runtime.unitOfWork),
    onClosed: (clocks) => endClocks(runtime.unitOfWork, topics.commands.name, clocks),
  });
  return {
    name: 'intake',
    examples: new URL('../examples.json', import.meta.url),
    module: {
      module: IntakeModule,
      controllers: [
        SlipsController,
        BatchController,
        ChangesController,
        ReviewsController,
        AccountsController,
      ],
      providers: [
        { provide: SUBMIT, useValue: submit },
        { provide: PREVIEW, useValue: does },
        { provide: CHANGES, useValue: { changeSlip } },
        { provide: REVIEWS, useValue: does.reviews },
        { provide: ACCOUNTS, useValue: does },
        { provide: SLIP_URL, useValue: slipUrl },
      ],
    },
    settings,
    clientQuota: rules.clients,
    shed: ({ method, url }) => (method === 'POST' && makesSlips(url) ? group.shedS : null),
    limits: { bodyBytesMaxOf: { '/v1/slips::batch': batchBytesMax } },
    deadLetters: runtime.deadLetters,
    partitions: runtime.partitions,
    cursorKey: runtime.cursorKey,
    tracing: runtime.tracing,
    parts: runtime.parts,
  };
}

/** Whether a request waits for the group's transactions. */
function makesSlips(url: string): boolean {
  return /^\/v1\/slips(?::batch)?(?:\?|$)/.test(url);
}

function submissionRules({ routes, providers, digest, detection, ...gates }: Rules): SubmissionRules {
  const withCalls = [...routes].map(([id, route]) => {
    const called = providers.get(route.provider ?? '');
    const answerMsMax = called ? called.connectTimeoutMs + called.answerTimeoutMs : 0;
    return [id, { ...route, answerMsMax }] as const;
  });
  const { openOnFirstUse } = gates.accounts;
  const payments = [...gates.payments.values()];
  return {
    ...{ routes: new Map(withCalls), configDigest: digest, graceMs: detection.graceMs, payments },
    gates: {
      openOnFirstUse,
      duplicateWindowMs: gates.duplicates.windowMs,
      duplicateReviewMs: gates.duplicates.reviewMs,
      limits: [...gates.limits.values()],
    },
  };
}
