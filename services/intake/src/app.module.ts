import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { sources, topics } from '@slipstream/contracts';
import { endClocks, type Tx } from '@slipstream/postgres';
import type { Rules } from '@slipstream/rules';
import { openRuntime, outboundEvent } from '@slipstream/runtime';
import { type ServiceOptions } from '@slipstream/service-host';
import type { PendingEvent } from '@slipstream/slip';
import { SlipsController, SUBMIT, type Submit } from './adapters/http/slips.controller.ts';
import { commandsGroup, commandsSubscription } from './adapters/kafka/commands-subscription.ts';
import { intakeStore } from './adapters/postgres/intake-store.ts';
import { intakeTx } from './adapters/postgres/intake-tx.ts';
import { clockBounds, isOpen } from './adapters/postgres/watermarks.ts';
import { useCases } from './application/use-cases.ts';
import type { IntakeConfig } from './config.ts';
import type { SubmissionRules } from './domain/submission/decide-submission.ts';
import { SubmissionGroup } from './workers/submission-group.ts';

export type { IntakeConfig } from './config.ts';

@Module({})
class IntakeModule {}

/** Wires intake: opens the database, makes topics, and gives what `createService` and `runService` start. */
export async function assemble({ settings, rules }: IntakeConfig): Promise<ServiceOptions> {
  const directory = fileURLToPath(new URL('../migrations', import.meta.url));
  const runtime = await openRuntime({
    name: 'intake',
    source: sources.intake,
    settings,
    migrations: { scope: 'intake', directory },
    publishes: [topics.events],
    configDigest: rules.digest,
  });
  const encode = (event: PendingEvent) => outboundEvent(runtime, event);
  const does = useCases({
    store: intakeStore(runtime.unitOfWork, encode),
    rules: submissionRules(rules),
    newId: runtime.newId,
    partitionOf: runtime.partitionOf,
  });
  const group = new SubmissionGroup(does.submitRequests);
  const submit: Submit = (request) => group.submit(request);
  runtime.consume(commandsSubscription<Tx>(does, (tx) => intakeTx(tx, encode)));
  const barrier = runtime.inboundBarrier(topics.commands, commandsGroup);
  runtime.publishWatermarks({
    bounds: () => clockBounds(runtime.unitOfWork, barrier),
    open: () => isOpen(runtime.unitOfWork),
    onClosed: (clocks) => endClocks(runtime.unitOfWork, topics.commands.name, clocks),
  });
  return {
    name: 'intake',
    module: {
      module: IntakeModule,
      controllers: [SlipsController],
      providers: [{ provide: SUBMIT, useValue: submit }],
    },
    settings,
    deadLetters: runtime.deadLetters,
    partitions: runtime.partitions,
    parts: runtime.parts,
  };
}

function submissionRules({ routes, providers, digest, detection }: Rules): SubmissionRules {
  const withCalls = [...routes].map(([id, route]) => {
    const called = providers.get(route.provider ?? '');
    const answerMsMax = called ? called.connectTimeoutMs + called.answerTimeoutMs : 0;
    return [id, { ...route, answerMsMax }] as const;
  });
  return { routes: new Map(withCalls), configDigest: digest, graceMs: detection.graceMs };
}
