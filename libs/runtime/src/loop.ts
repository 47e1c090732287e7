import { backoffMs, doublingMs, type WaitLimits } from '@slipstream/kernel';
import type { Health } from './health.ts';
import type { Part } from './lifecycle.ts';

/**
 * Does what is due.
 * @param woken whether something called for this round
 * @returns milliseconds until the next round should nothing wake the loop before; null: only a wake begins it
 */
export type Round = (woken: boolean) => Promise<number | null>;

export interface LoopOptions {
  readonly name: string;
  readonly round: Round;
  /** Shortest wait between two rounds, which no wake cuts short: what comes due together shares one. */
  readonly pauseMs: number;
  readonly onError: (error: unknown) => void;
  /** Runs after the last round when the loop is drained: waits for what the rounds have started. */
  readonly settle?: () => Promise<void>;
}

/** Waits after rounds that failed: the database or the brokers may be away for a while. No wake cuts them short. */
const failureLimits: WaitLimits = { minMs: 200, maxMs: 2_000 };
/** Rounds that fail in a row before the instance is shown as not ready. */
const failuresMax = 5;

/** Runs one round after the other until it is drained or stopped; a round that fails is told and tried again. */
export class Loop implements Part {
  readonly name: string;
  readonly #options: LoopOptions;
  #running: Promise<void> = Promise.resolve();
  #isStopping = false;
  #isWoken = false;
  #failures = 0;
  #lastError: unknown;
  /** Ends the wait in hand: for a stop always, for a wake where the wait allows it. */
  #endWait: (why: 'stop' | 'wake') => void = () => {};

  constructor(options: LoopOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#running = this.#run();
  }

  /** There may be work, now or in a moment: the next round comes soon. */
  readonly wake = (): void => {
    this.#isWoken = true;
    this.#endWait('wake');
  };

  /** Ends after the round that runs, and waits for what the rounds have started. */
  async drain(): Promise<void> {
    await this.stop();
    await this.#options.settle?.();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#endWait('stop');
    await this.#running;
  }

  health(): Health {
    if (this.#failures === 0) return { ok: true };
    const { message } =
      this.#lastError instanceof Error ? this.#lastError : new Error(String(this.#lastError));
    return {
      ok: this.#failures < failuresMax,
      detail: `failed ${this.#failures} times in a row: ${message}`,
    };
  }

  async #run(): Promise<void> {
    const { pauseMs } = this.#options;
    while (!this.#isStopping) {
      const waitMs = await this.#round();
      if (this.#failures > 0) {
        await this.#wait(backoffMs(this.#failures, failureLimits, Math.random()), false);
      } else {
        await this.#wait(Math.min(waitMs, pauseMs), false);
        await this.#wait(waitMs - pauseMs, true);
      }
    }
  }

  async #round(): Promise<number> {
    const { round, onError } = this.#options;
    const woken = this.#isWoken;
    this.#isWoken = false;
    try {
      const waitMs = await round(woken);
      this.#failures = 0;
      return waitMs ?? Number.POSITIVE_INFINITY;
    } catch (error) {
      this.#failures++;
      this.#lastError = error;
      onError(error);
      return 0;
    }
  }

  async #wait(ms: number, isEndedByWake: boolean): Promise<void> {
    if (ms <= 0 || this.#isStopping || (isEndedByWake && this.#isWoken)) return;
    await new Promise<void>((resolve) => {
      const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined;
      this.#endWait = (why) => {
        if (why === 'wake' && !isEndedByWake) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endWait = () => {};
  }
}

/** Rounds at a fixed distance. */
export function every(ms: number, work: () => Promise<unknown>): Round {
  return async () => {
    await work();
    return ms;
  };
}

/** Rounds close together after work or a wake, then ever farther apart. @param work tells how much it did */
export function slowingDown(limits: WaitLimits, work: () => Promise<number>): Round {
  let idleRounds = 0;
  return async (woken) => {
    if (woken) idleRounds = 0;
    if ((await work()) > 0) idleRounds = 0;
    return doublingMs(++idleRounds, limits);
  };
}
