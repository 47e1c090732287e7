import type { CallbackCount, Store } from './ports.ts';

type Counted = Exclude<keyof CallbackCount, 'provider'>;

/**
 * Counts callbacks by provider, so that none costs a statement and a flood of forged ones no more than one: {@link keep} writes
 * them from time to time, and tells what was refused, once a minute at the most.
 */
export class CallbackTally {
  readonly #counts = new Map<string, CallbackCount>();
  /** Something refused may be written and not told: also what an instance left that ended. */
  #untold = true;

  note(provider: string, what: Counted): void {
    const before = this.#counts.get(provider) ?? { provider, refused: 0, aboutItsSlips: 0, accepted: 0 };
    this.#counts.set(provider, { ...before, [what]: before[what] + 1 });
  }

  /** What could not be written is counted still. @returns how many providers had callbacks since the last time */
  async keep(store: Store): Promise<number> {
    const counts = [...this.#counts.values()];
    if (counts.length === 0 && !this.#untold) return 0;
    this.#counts.clear();
    try {
      this.#untold = await store.run(async (tx) => {
        if (counts.length > 0) await tx.callbackCounts.add(counts);
        const { told, isMoreUntold } = await tx.callbackCounts.takeTellable();
        const events = told.map((data) => ({ type: 'CallbacksRefused', data }) as const);
        if (events.length > 0) tx.tell(events.map((event) => ({ subject: event.data.provider, event })));
        return isMoreUntold;
      });
    } catch (error) {
      for (const count of counts) this.#putBack(count);
      throw error;
    }
    return counts.length;
  }

  #putBack(count: CallbackCount): void {
    const since = this.#counts.get(count.provider) ?? { ...count, refused: 0, aboutItsSlips: 0, accepted: 0 };
    this.#counts.set(count.provider, {
      ...count,
      refused: count.refused + since.refused,
      aboutItsSlips: count.aboutItsSlips + since.aboutItsSlips,
      accepted: count.accepted + since.accepted,
    });
  }
}
