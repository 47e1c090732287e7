import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyDatabase } from '@slipstream/environment';
import { type ServiceName, type Stack, startStack } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import { readNumbers } from './numbers.ts';
import { Payments } from './payments.ts';

export const restorable = ['provider-gateway', 'intake', 'ledger', 'reconciliation'] as const;

/** What one restored service did; `holds` when it is what rule 4 promises. */
export interface Restored {
  readonly service: ServiceName;
  readonly paid: number;
  readonly second_payments: number;
  readonly reused_numbers: number;
  readonly lost: number;
  readonly holds: boolean;
}

type Log = (line: string) => void;

const settleMs = 180_000;

/** Restores one service after the other, each in a stack of its own. */
export async function drillRestore(services: readonly ServiceName[], log: Log): Promise<Restored[]> {
  const results: Restored[] = [];
  for (const service of services) {
    log(`\n${service}:`);
    const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-drill-'));
    try {
      const stack = await startStack({
        dataDir,
        profile: 'stack',
        // A slow machine is not what is drilled.
        policies: { outcome_deadline_ms: 30_000 },
        log,
        removeOnCrash: [dataDir],
      });
      try {
        results.push(await restore(stack, service, log));
      } finally {
        await stack.stop();
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  }
  return results;
}

async function restore(stack: Stack, service: ServiceName, log: Log): Promise<Restored> {
  const payments = new Payments(stack.env);
  const database = service.replace('-', '_');
  const superuser = stack.env.DATABASE_URL!;
  await payments.submit(10);
  await payments.ended(settleMs);
  await frozen(stack, service, () => copyDatabase(superuser, database, `${database}_old`));
  log('  a copy of its database was taken aside after 10 payments');
  await payments.submit(30);
  await payments.ended(settleMs);
  log('  30 more have ended, and 10 more are under way');
  // These are under way when it happens: some intents are committed, some on the topic, some calls made.
  await payments.submit(10);
  // What is in no other place than the database that goes is gone with it.
  if (service === 'intake') await payments.told(settleMs);
  await replaced(stack, service, () => copyDatabase(superuser, `${database}_old`, database));
  log('  the copy was put back, and the service started');
  const isReady = () => stack.services.isReady(service);
  await waitFor(isReady, { timeoutMs: settleMs, what: `${service} to be ready` });
  log('  it is ready again by itself');
  await payments.submit(10);
  const lost = await payments.ended(settleMs).then(
    () => [],
    () => payments.open(),
  );
  for (const id of lost) log(`  no end: ${id}: ${await payments.story(id)}`);
  if (lost.length > 0) await tellProblems(stack, log);
  const strayed = await payments.strayed();
  if (strayed > 0) log(`  ${strayed} keys do not give their slip any more`);
  const { second, paid, differing } = await payments.executions();
  const { reused, missing } = await readNumbers(stack.env.KAFKA_BROKERS!.split(','));
  const result = {
    service,
    paid,
    second_payments: second,
    reused_numbers: reused,
    lost: lost.length + missing + differing + strayed,
  };
  const holds = second + reused + result.lost === 0;
  return { ...result, holds };
}

/** What the services themselves say is wrong. */
async function tellProblems(stack: Stack, log: Log): Promise<void> {
  for (const name of ['INTAKE', 'GATEWAY', 'LEDGER', 'RECONCILIATION']) {
    const answer = await fetch(`${stack.env[`${name}_URL`]}/readyz`).catch(() => null);
    const { checks = [] } = ((await answer?.json()) ?? {}) as {
      checks?: { name: string; ok: boolean; detail?: string }[];
    };
    for (const check of checks) if (!check.ok) log(`  ${name.toLowerCase()}: ${check.name}: ${check.detail}`);
  }
}

/** Copies while the process stands still: a backup takes no moment in between. */
async function frozen(stack: Stack, service: ServiceName, work: () => Promise<void>): Promise<void> {
  stack.services.kill(service, 'SIGSTOP');
  try {
    await work();
  } finally {
    stack.services.kill(service, 'SIGCONT');
  }
}

/** Replaces the database of a service that does not run; its supervisor starts it anew. */
async function replaced(stack: Stack, service: ServiceName, work: () => Promise<void>): Promise<void> {
  stack.services.kill(service, 'SIGSTOP');
  const before = stack.services.restarts(service);
  await work();
  stack.services.kill(service, 'SIGKILL');
  const restarted = () =>
    stack.services.restarts(service) > before && stack.services.pid(service) !== undefined;
  await waitFor(restarted, { timeoutMs: settleMs, what: `${service} to start anew` });
}
