import type { Listener } from './listener.ts';
import { isRefusing, nextOutageEdge, type Rule } from './rules.ts';
import type { Timers } from './timers.ts';

const RECHECK_MS_MAX = 3_600_000;
const REOPEN_RETRY_MS = 200;

/** Keeps each provider's listener closed exactly during its `refuse_connection` windows. */
export class Outages {
  readonly #listeners: ReadonlyMap<string, Listener>;
  readonly #rules: () => readonly Rule[];
  readonly #timers: Timers;
  readonly #now: () => number;
  #applied: Promise<void> = Promise.resolve();
  #cancel: () => void = () => {};

  constructor(
    listeners: ReadonlyMap<string, Listener>,
    rules: () => readonly Rule[],
    timers: Timers,
    now: () => number,
  ) {
    this.#listeners = listeners;
    this.#rules = rules;
    this.#timers = timers;
    this.#now = now;
  }

  /** Resolves when the listeners are as the rules say now; later edges are followed by a timer. Never throws. */
  apply(): Promise<void> {
    this.#applied = this.#applied.then(() => this.#applyNow());
    return this.#applied;
  }

  /** Whether every listener is as the rules want it. */
  settled(): boolean {
    return [...this.#listeners].every(([id, listener]) => listener.listening !== this.#refusing(id));
  }

  async #applyNow(): Promise<void> {
    this.#cancel();
    if (this.#timers.stopped) return;
    await Promise.all([...this.#listeners].map(([id, listener]) => this.#applyTo(id, listener)));
    const edgeMs = nextOutageEdge(this.#rules(), this.#now());
    const edgeInMs = edgeMs === null ? RECHECK_MS_MAX : Math.min(edgeMs - this.#now(), RECHECK_MS_MAX);
    const delayMs = this.settled() ? edgeInMs : Math.min(edgeInMs, REOPEN_RETRY_MS);
    this.#cancel = this.#timers.after(Math.max(delayMs, 1), () => void this.apply());
  }

  async #applyTo(id: string, listener: Listener): Promise<void> {
    if (this.#refusing(id)) return listener.refuse();
    try {
      await listener.open();
    } catch (error) {
      console.error(`${id}: port ${listener.port} can't be opened again: ${(error as Error).message}`);
    }
  }

  #refusing(id: string): boolean {
    return isRefusing(this.#rules(), id, this.#now());
  }
}
