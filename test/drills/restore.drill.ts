import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyDatabase, repositoryRoot } from '@slipstream/environment';
import { type ServiceName, type Stack, startStack } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import { readNumbers } from './numbers.ts';
import { Payments } from './payments.ts';

export const restorable = ['provider-gateway', 'intake', 'ledger', 'reconciliation'] as const;

/** What restored services did; `holds` when it is what rule 4 promises. */
export interface Restored {
  /** Those whose databases were put back, at once. */
  readonly services: string;
  readonly paid: number;
  readonly second_payments: number;
  readonly reused_numbers: number;
  readonly lost: number;
  /** Commands of slipctl that find something: the log is not what it was, or another verdict follows from it. */
  readonly found: number;
  readonly holds: boolean;
}

type Log = (line: string) => void;

const settleMs = 180_000;

/** Restores some services together, in a stack of their own; then the next ones. */
export async function drillRestore(
  among: readonly (readonly ServiceName[])[],
  log: Log,
): Promise<Restored[]> {
  const results: Restored[] = [];
  for (const services of among) {
    log(`\n${services.join(', ')}:`);
    const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-drill-'));
    try {
      const stack = await startStack({
        dataDir,
        profile: 'stack',
        // Where all are put back, each has an instance that is not the one that folds.
        instances: services.length > 1 ? Object.fromEntries(services.map((service) => [service, 2])) : {},
        // A slow machine is not what is drilled.
        policies: { outcome_deadline_ms: 30_000 },
        log,
        removeOnCrash: [dataDir],
      });
      try {
        results.push(await restore(stack, services, log));
      } finally {
        await stack.stop();
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  }
  return results;
}

async function restore(stack: Stack, services: readonly ServiceName[], log: Log): Promise<Restored> {
  const payments = new Payments(stack.env);
  const superuser = stack.env.DATABASE_URL!;
  const databaseOf = (service: ServiceName) => service.replace('-', '_');
  // Each copy is of another moment.
  for (const service of services) {
    await payments.submit(10);
    await payments.ended(settleMs);
    const database = databaseOf(service);
    await frozen(stack, service, () => copyDatabase(superuser, database, `${database}_old`));
    log(`  a copy of ${service}'s database was taken aside after ${payments.count} payments`);
  }
  await payments.submit(30);
  await payments.ended(settleMs);
  log('  30 more have ended, and 10 more are under way');
  // These are under way when it happens: some intents are committed, some on the topic, some calls made.
  await payments.submit(10);
  // What is in no other place than the database that goes is gone with it.
  if (services.includes('intake')) await payments.told(settleMs);
  await replaced(stack, services, async () => {
    for (const database of services.map(databaseOf))
      await copyDatabase(superuser, `${database}_old`, database);
  });
  log('  put back, and started');
  const isReady = async () => {
    const ready = services.flatMap((service) => instancesOf(stack, service)).map(stack.services.isReady);
    return (await Promise.all(ready)).every(Boolean);
  };
  await waitFor(isReady, { timeoutMs: settleMs, what: `${services.join(', ')} to be ready` });
  log('  ready again without people');
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
    services: services.join(', '),
    paid,
    second_payments: second,
    reused_numbers: reused,
    lost: lost.length + missing + differing + strayed,
    found: await finding(stack, log),
  };
  const holds = second + reused + result.lost + result.found === 0;
  return { ...result, holds };
}

const questions = [['verify'], ['reconcile', 'diff'], ['restore', 'check']] as const;

/** How many of slipctl's questions about the whole of it are not answered with: all is well. */
async function finding({ env }: Stack, log: Log): Promise<number> {
  const program = join(repositoryRoot, 'apps/slipctl/dist/main.js');
  let found = 0;
  for (const question of questions) {
    const options = { env: { PATH: process.env.PATH ?? '', ...env }, timeout: settleMs };
    const said = await new Promise<string | null>((resolve) => {
      execFile(process.execPath, [program, ...question], options, (error, stdout, stderr) =>
        resolve(error === null ? null : `${stdout}${stderr}`),
      );
    });
    if (said === null) continue;
    found += 1;
    log(`  slipctl ${question.join(' ')}: ${said}`);
  }
  return found;
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

const instancesOf = ({ services }: Stack, service: ServiceName): string[] =>
  services.names().filter((name) => name === service || name.startsWith(`${service}-`));

/** Copies while the processes stand still: a backup takes no moment in between. */
async function frozen(stack: Stack, service: ServiceName, work: () => Promise<void>): Promise<void> {
  const names = instancesOf(stack, service);
  for (const name of names) stack.services.kill(name, 'SIGSTOP');
  try {
    await work();
  } finally {
    for (const name of names) stack.services.kill(name, 'SIGCONT');
  }
}

/** Replaces the databases of services that do not run; their supervisor starts them anew. */
async function replaced(
  stack: Stack,
  services: readonly ServiceName[],
  work: () => Promise<void>,
): Promise<void> {
  const names = services.flatMap((service) => instancesOf(stack, service));
  const before = names.map((name) => stack.services.restarts(name));
  for (const name of names) stack.services.kill(name, 'SIGSTOP');
  await work();
  for (const name of names) stack.services.kill(name, 'SIGKILL');
  const restarted = () =>
    names.every(
      (name, n) => stack.services.restarts(name) > before[n]! && stack.services.pid(name) !== undefined,
    );
  await waitFor(restarted, { timeoutMs: settleMs, what: `${services.join(', ')} to start anew` });
}
