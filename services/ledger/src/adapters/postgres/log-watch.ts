import type { UnitOfWork } from '@slipstream/postgres';
import { logEnds } from './log-ends.ts';

interface Wait {
  readonly from: readonly number[];
  readonly until: number;
  end(): void;
}

const pollMs = 200;

/** Tells when the log has gone on, whichever instance wrote it. One question serves all who wait; while nobody does nothing is asked. */
export class LogWatch {
  readonly #unitOfWork: UnitOfWork;
  readonly #waits = new Set<Wait>();
  #wake: () => void = () => {};
  #polling = false;

  constructor(unitOfWork: UnitOfWork) {
    this.#unitOfWork = unitOfWork;
  }

  /** Something was written here: those who wait need not wait for the next look. */
  readonly wake = (): void => this.#wake();

  /** Resolves when some partition has more than `from` says, and after `timeoutMs` or an abort all the same. */
  readonly moved = (from: readonly number[], timeoutMs: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const end = () => {
        this.#waits.delete(wait);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const wait: Wait = { from, until: performance.now() + timeoutMs, end };
      if (signal.aborted) return end();
      this.#waits.add(wait);
      signal.addEventListener('abort', end);
      if (!this.#polling) void this.#poll();
    });

  async #poll(): Promise<void> {
    this.#polling = true;
    while (this.#waits.size > 0) {
      // Who cannot be told that the log has moved finds out by reading it.
      const ends = await logEnds(this.#unitOfWork).catch(() => null);
      const now = performance.now();
      for (const wait of this.#waits) {
        const hasMoved = ends?.some((end, partition) => end > (wait.from[partition] ?? 0)) ?? false;
        if (!hasMoved && now < wait.until) continue;
        wait.end();
      }
      if (this.#waits.size > 0) await this.#pause();
    }
    this.#polling = false;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pollMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
