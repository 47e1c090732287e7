import { SlipstreamError } from '@slipstream/kernel';
import type { Part } from '@slipstream/runtime';
import type { CheckpointTaken } from '../application/take-checkpoint.ts';

export interface CheckpointerOptions {
  /** Between two checkpoints, and from a change to its own. */
  readonly intervalMs: number;
  /** Takes one if the log has changed and the last is `minMs` old. */
  readonly take: (minMs: number) => Promise<CheckpointTaken>;
  /** While it may not, nothing is signed. */
  readonly mayRun: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** Has what changed signed within the interval. While nothing changes it does nothing, not even look. */
export class Checkpointer implements Part {
  readonly name = 'checkpoints';
  readonly #options: CheckpointerOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
  }

  /** What was logged before the process began may not have been signed. */
  async start(): Promise<void> {
    this.changed();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  readonly changed = (): void => {
    this.#timer ??= this.#in(this.#options.intervalMs);
  };

  /**
   * Somebody waits for what is logged now. Whoever comes while one is taken shares the next, however many they are.
   * @throws what the database says; `unavailable` while nothing may be signed
   */
  now(): Promise<void> {
    this.#next ??= this.#afterOthers(async () => {
      this.#next = undefined;
      if (!this.#options.mayRun()) throw new SlipstreamError('unavailable', 'nothing can be signed now');
      await this.#options.take(0);
    });
    return this.#next;
  }

  #in(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined;
      void this.#afterOthers(() => this.#run());
    }, delayMs);
  }

  /** One at a time, so that they never take the connections of those who write. */
  #afterOthers(work: () => Promise<void>): Promise<void> {
    const done = this.#running.then(work);
    this.#running = done.catch(() => {});
    return done;
  }

  async #run(): Promise<void> {
    const { take, mayRun, intervalMs, onError } = this.#options;
    let againMs: number | null = null;
    try {
      if (!mayRun()) againMs = intervalMs;
      else {
        const taken = await take(intervalMs);
        if (taken.kind === 'early') againMs = taken.waitMs;
      }
    } catch (error) {
      onError(error);
      againMs = intervalMs;
    }
    if (againMs !== null && !this.#isStopped) this.#timer ??= this.#in(againMs);
  }
}
