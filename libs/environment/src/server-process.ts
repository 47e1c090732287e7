import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isRunning, type ProcessIdentity, processStart, stopProcess } from './process-identity.ts';

export interface ServerCommand {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Truncated at start; stdout and stderr go there. */
  logFile: string;
  /** What asks this server for an orderly end. SIGKILL follows after 10 s. */
  stopSignal: 'SIGTERM' | 'SIGINT';
}

export interface ServerProcess extends ProcessIdentity {
  readonly name: string;
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
  running(): boolean;
  /** The last lines of its log. */
  logTail(): string;
  stop(): Promise<void>;
}

/** @throws Error when the program cannot be executed at all */
export async function startServer(server: ServerCommand): Promise<ServerProcess> {
  mkdirSync(dirname(server.logFile), { recursive: true });
  const logFd = openSync(server.logFile, 'w');
  try {
    const child = spawn(server.command, server.args, {
      cwd: server.cwd,
      uid: server.uid,
      gid: server.gid,
      env: { ...process.env, ...server.env },
      detached: true, // its own process group: Ctrl-C reaches us only, and we stop it last
      stdio: ['ignore', logFd, logFd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) =>
        reject(new Error(`cannot start ${server.name}: ${cause.message}`, { cause })),
      );
    });
    child.unref();
    return handle(server, child.pid!);
  } finally {
    closeSync(logFd);
  }
}

function handle(server: ServerCommand, pid: number): ServerProcess {
  const identity = { pid, startedAt: processStart(pid) };
  return {
    ...identity,
    name: server.name,
    stopSignal: server.stopSignal,
    running: () => isRunning(identity),
    logTail: () => tail(server.logFile),
    stop: () => stopProcess(identity, server.stopSignal, 10_000),
  };
}

function tail(file: string, lines = 15): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}

/**
 * Waits until `ready` resolves to true. A server that ended meanwhile is an error at once.
 * @throws Error with the last lines of the log
 */
export async function untilReady(
  server: ServerProcess,
  ready: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (!(await ready().catch(() => false))) {
    const reason = server.running() ? undefined : 'ended at once';
    if (!reason && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    await server.stop();
    const what = reason ?? `did not answer within ${timeoutMs / 1000} s`;
    throw new Error(`${server.name} ${what}. The last lines of its log:\n${server.logTail()}`);
  }
}

const PORT_ATTEMPTS_MAX = 3;

/** Ports are chosen before they are bound: when another process was quicker, chooses again. */
export async function retryOnPortTaken<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt === PORT_ATTEMPTS_MAX || !/address already in use/i.test(String(error))) throw error;
    }
  }
}
