import { type ChildProcess, spawn } from 'node:child_process';
import { type ProcessIdentity, processStart, stopProcess, type Watchdog } from '@slipstream/environment';
import { RestartBackoff } from './backoff.ts';
import type { LogFile } from './log-file.ts';
import { givePrecedence } from './precedence.ts';

export interface ProcessSpec {
  /** Unique in its supervisor; names the log file. */
  name: string;
  /** Arguments of Node: its options, the script, the script's arguments. */
  args: string[];
  /** Added to this process's environment. */
  env: Record<string, string>;
  /** Answers 200 when the process can take work. */
  readyUrl: string;
  /** Default 120 s. */
  readyTimeoutMs?: number;
  /** Who is let wait where the processor is shared ({@link givePrecedence}); default 0. */
  niceness?: number;
}

/** A process ended although nobody asked it to, or stood still: what it had only read then is lost, or late. */
export interface Outage {
  name: string;
  at: Date;
  /** When it went on; the same as `at` for one that ended, null while it still stands. */
  until: Date | null;
}

export interface Surroundings {
  watchdog: Watchdog;
  log: LogFile;
  /** One line for people. */
  warn: (line: string) => void;
}

const READY_TIMEOUT_MS = 120_000; // a busy machine is slow, not broken
const READY_INTERVAL_MS = 50;
const STOP_TIMEOUT_MS = 20_000;
/** A process that ends this often before it was ever ready has a reason that a restart won't cure. */
const FIRST_STARTS_MAX = 3;

/** One process: started, watched, restarted with backoff until it is stopped. */
export class SupervisedProcess {
  restarts = 0;
  readonly outages: Outage[] = [];
  private identity: ProcessIdentity | undefined;
  private readySince: number | undefined;
  private everReady = false;
  private stopping = false;
  private restartTimer: NodeJS.Timeout | undefined;
  private closed: Promise<void> = Promise.resolve();
  private readonly backoff = new RestartBackoff();

  constructor(
    private readonly spec: ProcessSpec,
    private readonly around: Surroundings,
  ) {}

  get pid(): number | undefined {
    return this.identity?.pid;
  }

  get ready(): boolean {
    return this.readySince !== undefined;
  }

  /** Resolves when it is ready. @throws Error with the last log lines when it does not get there */
  async start(): Promise<void> {
    const timeoutMs = this.spec.readyTimeoutMs ?? READY_TIMEOUT_MS;
    const until = performance.now() + timeoutMs;
    this.spawn();
    while (!this.ready) {
      if (this.stopping) throw new Error(`${this.spec.name} was stopped before it was ready`);
      const hopeless = this.restarts >= FIRST_STARTS_MAX;
      if (hopeless || performance.now() > until) {
        await this.stop();
        const what = hopeless ? 'ends again and again' : `was not ready within ${timeoutMs / 1000} s`;
        throw new Error(`${this.spec.name} ${what}. The last lines of its log:\n${this.around.log.tail()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, READY_INTERVAL_MS));
    }
  }

  /** Sends any signal; the process is restarted if it ends from it. False when there is no process now. */
  kill(signal: NodeJS.Signals): boolean {
    if (!this.identity) return false;
    if (signal === 'SIGSTOP') this.outages.push({ name: this.spec.name, at: new Date(), until: null });
    const sent = process.kill(this.identity.pid, signal);
    if (signal === 'SIGCONT') this.wentOn();
    return sent;
  }

  /** SIGTERM, and SIGKILL after 20 s. No restart follows. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restartTimer);
    const identity = this.identity;
    if (!identity) return;
    const stopped = stopProcess(identity, 'SIGTERM', STOP_TIMEOUT_MS);
    trySignal(identity.pid, 'SIGCONT'); // a test may have left it stopped, where SIGTERM waits
    await stopped;
    await this.closed; // its last lines are in the log
  }

  private spawn(): void {
    const child = spawn(process.execPath, this.spec.args, {
      env: { ...process.env, ...this.spec.env },
      detached: true, // its own process group: Ctrl-C reaches the supervisor only, which stops in order
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.once('error', (error) => this.around.log.write(`cannot start: ${error.message}\n`));
    child.stdout.on('data', (chunk: Buffer) => this.around.log.write(chunk));
    child.stderr.on('data', (chunk: Buffer) => this.around.log.write(chunk));
    if (child.pid) {
      this.identity = { pid: child.pid, startedAt: processStart(child.pid) };
      this.around.watchdog.add(this.identity);
      if (this.spec.niceness) void givePrecedence(child.pid, this.spec.niceness);
    }
    this.closed = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.ended(signal ?? `code ${code}`);
        resolve();
      });
    });
    void this.watchReadiness(child);
  }

  private async watchReadiness(child: ChildProcess): Promise<void> {
    while (child.exitCode === null && child.signalCode === null && child.pid && !this.stopping) {
      if (await answersReady(this.spec.readyUrl)) {
        if (this.identity?.pid !== child.pid) return;
        this.readySince = performance.now();
        this.everReady = true;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, READY_INTERVAL_MS));
    }
  }

  private wentOn(): void {
    for (const outage of this.outages) outage.until ??= new Date();
  }

  private ended(how: string): void {
    if (this.identity) this.around.watchdog.remove(this.identity);
    const healthyForMs = this.readySince === undefined ? 0 : performance.now() - this.readySince;
    this.identity = undefined;
    this.readySince = undefined;
    if (this.stopping) return;
    this.wentOn();
    const at = new Date();
    this.outages.push({ name: this.spec.name, at, until: at });
    this.restarts++;
    if (!this.everReady && this.restarts >= FIRST_STARTS_MAX) return; // start() gives up and says why
    const delayMs = this.backoff.delayMs(healthyForMs);
    this.around.warn(
      `${this.spec.name} ended (${how}); restart ${this.restarts} in ${delayMs / 1000} s; log: ${this.around.log.path}`,
    );
    this.restartTimer = setTimeout(() => this.spawn(), delayMs);
  }
}

async function answersReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(2_000),
      headers: { connection: 'close' },
    });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it ended meanwhile
  }
}
