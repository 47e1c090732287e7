import type { Part } from '@slipstream/runtime';

export interface LoopOptions {
  readonly name: string;
  round(): Promise<void>;
  /** Longest wait between two rounds; a wake-up ends it, but not before `pauseMs`. */
  readonly everyMs: number;
  readonly pauseMs: number;
  readonly onError: (error: unknown) => void;
}

/** After a failed round: the database or the partition may be away for a while. */
const failurePauseMs = 500;

/** Runs one round after the other until it is drained; a round that fails is logged and tried again. */
export class Loop implements Part {
  readonly name: string;
  readonly #options: LoopOptions;
  #running: Promise<void> = Promise.resolve();
  #stopping = false;
  #woken = false;
  #endWait: () => void = () => {};

  constructor(options: LoopOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#running = this.#run();
  }

  /** Something happened: the next round comes soon. */
  readonly wake = (): void => {
    this.#woken = true;
    this.#endWait();
  };

  async drain(): Promise<void> {
    this.#stopping = true;
    this.wake();
    await this.#running;
  }

  async stop(): Promise<void> {
    await this.drain();
  }

  async #run(): Promise<void> {
    const { round, everyMs, pauseMs, onError } = this.#options;
    while (!this.#stopping) {
      let failed = false;
      this.#woken = false;
      try {
        await round();
      } catch (error) {
        failed = true;
        onError(error);
      }
      await this.#wait(failed ? failurePauseMs : pauseMs, false);
      if (!failed) await this.#wait(everyMs - pauseMs, true);
    }
  }

  async #wait(ms: number, endedByWake: boolean): Promise<void> {
    if (this.#stopping || (endedByWake && this.#woken)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endWait = () => {
        if (!endedByWake && !this.#stopping) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endWait = () => {};
  }
}
