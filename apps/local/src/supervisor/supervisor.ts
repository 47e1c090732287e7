import { join } from 'node:path';
import { startWatchdog } from '@slipstream/environment';
import { LogFile } from './log-file.ts';
import { type Outage, type ProcessSpec, SupervisedProcess } from './supervised-process.ts';

/** Keeps processes running and stops them in order. */
export interface Supervisor {
  /** Resolves when the process is ready. @throws Error with the last lines of its log */
  start(spec: ProcessSpec): Promise<void>;
  /** Names in the order of their start. */
  names(): string[];
  /** Undefined between its end and its restart. @throws Error for an unknown name, as all below */
  pid(name: string): number | undefined;
  /** How often it was started again since the first start. */
  restarts(name: string): number;
  /** True from its first 200 on the readiness URL until it ends. */
  isReady(name: string): boolean;
  /** Sends a signal; false when there is no process now. */
  kill(name: string, signal: NodeJS.Signals): boolean;
  /** Every time a process ended unasked or was stopped by a signal, in order of processes: tests judge by it. */
  outages(): readonly Outage[];
  /** SIGTERM to all, the last started first; SIGKILL after 20 s. Safe to call twice. */
  stopAll(): Promise<void>;
}

export interface SupervisorOptions {
  /** Logs go to `<dataDir>/logs/<name>.log`. */
  dataDir: string;
  /** Gets one line for each restart. Default: stderr. */
  warn?: (line: string) => void;
  /** Folders and files to delete if this process is killed. */
  removeOnCrash?: string[];
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const warn = options.warn ?? ((line) => void process.stderr.write(`${line}\n`));
  const watchdog = startWatchdog(options.removeOnCrash);
  const processes = new Map<string, SupervisedProcess>();
  const logs: LogFile[] = [];
  const named = (name: string) => {
    const found = processes.get(name);
    if (!found) throw new Error(`no process "${name}"; there are: ${[...processes.keys()].join(', ')}`);
    return found;
  };
  let stopped: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    await Promise.all([...processes.values()].reverse().map((one) => one.stop()));
    watchdog.close();
    for (const log of logs) log.close();
  }

  return {
    async start(spec) {
      if (stopped) throw new Error('the supervisor is stopping');
      if (processes.has(spec.name)) throw new Error(`"${spec.name}" was started already`);
      const log = new LogFile(join(options.dataDir, 'logs', `${spec.name}.log`));
      logs.push(log);
      const one = new SupervisedProcess(spec, { watchdog, log, warn });
      processes.set(spec.name, one);
      await one.start();
    },
    names: () => [...processes.keys()],
    pid: (name) => named(name).pid,
    restarts: (name) => named(name).restarts,
    isReady: (name) => named(name).ready,
    kill: (name, signal) => named(name).kill(signal),
    outages: () => [...processes.values()].flatMap((one) => one.outages),
    stopAll() {
      stopped ??= stopAll();
      return stopped;
    },
  };
}
