import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServiceName, type Stack } from '@slipstream/local';
import type { TcpProxy } from '@slipstream/testing';
import { asSuperuser, closeDatabase } from './database.ts';
import type { FaultOfMachines } from './diagnosis-plan.ts';

export interface Machines {
  readonly stack: Stack;
  readonly dataDir: string;
  /** The way to the provider of the line. */
  readonly line: TcpProxy;
  /** Replaces the faults of all simulated providers, for a time. */
  refuseAll(untilMs: number): Promise<void>;
}

const killEveryMs = 1_000;

/** Lets it happen for so long, and puts it right again. */
export const happenings: Readonly<Record<FaultOfMachines, (to: Machines, ms: number) => Promise<void>>> = {
  gateway_stopped: stopped('provider-gateway'),
  ledger_stopped: stopped('ledger'),
  intake_stopped: stopped('intake'),
  reconciliation_stopped: stopped('reconciliation'),
  providers_stopped: stopped('provider-simulator'),
  gateway_killed: killed('provider-gateway'),
  ledger_killed: killed('ledger'),
  intake_killed: killed('intake'),
  reconciliation_killed: killed('reconciliation'),
  gateway_without_database: withoutDatabase('provider_gateway'),
  ledger_without_database: withoutDatabase('ledger'),
  gateway_without_a_right: withoutRight('provider_gateway', 'dispatch'),
  ledger_without_a_right: withoutRight('ledger', 'slip'),
  async broker_stopped({ dataDir }, ms) {
    const pid = serverPid(dataDir, 'Kafka');
    process.kill(pid, 'SIGSTOP');
    await sleep(ms).finally(() => process.kill(pid, 'SIGCONT'));
  },
  async database_stopped({ dataDir }, ms) {
    const pids = withChildren(serverPid(dataDir, 'PostgreSQL'));
    for (const pid of pids) signal(pid, 'SIGSTOP');
    await sleep(ms).finally(() => {
      for (const pid of pids) signal(pid, 'SIGCONT');
    });
  },
  async providers_down({ refuseAll }, ms) {
    await refuseAll(Date.now() + ms);
    await sleep(ms);
  },
  async line_cut({ line }, ms) {
    line.silence();
    const heal = line.cutOff();
    await sleep(ms).finally(heal);
  },
  async line_reset({ line }, ms) {
    for (const until = performance.now() + ms; performance.now() < until; await sleep(5)) line.reset();
  },
};

function stopped(name: ServiceName | 'provider-simulator') {
  return async ({ stack }: Machines, ms: number) => {
    stack.services.kill(name, 'SIGSTOP');
    await sleep(ms).finally(() => stack.services.kill(name, 'SIGCONT'));
  };
}

/** Again and again, as soon as it runs. */
function killed(name: ServiceName) {
  return async ({ stack }: Machines, ms: number) => {
    for (const until = performance.now() + ms; performance.now() < until; await sleep(killEveryMs))
      stack.services.kill(name, 'SIGKILL');
  };
}

function withoutDatabase(name: string) {
  return ({ stack }: Machines, ms: number) => closeDatabase(stack, name, ms);
}

function withoutRight(name: string, table: string) {
  return async ({ stack }: Machines, ms: number) => {
    await asSuperuser(stack, name, async (client) => {
      await client.query(`revoke insert, update on ${table} from ${name}`);
      await sleep(ms);
      await client.query(`grant insert, update on ${table} to ${name}`);
    });
  };
}

/** A server and the processes that serve its connections: each is frozen by itself. */
function withChildren(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return [pid, ...children.map(Number)];
}

/** A connection may have ended meanwhile, and its process with it. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function serverPid(dataDir: string, name: string): number {
  const file = readFileSync(join(dataDir, 'pids.json'), 'utf8');
  const { servers } = JSON.parse(file) as { servers: { name: string; pid: number }[] };
  const server = servers.find((one) => one.name === name);
  if (!server) throw new Error(`${name} was not started by this run`);
  return server.pid;
}
