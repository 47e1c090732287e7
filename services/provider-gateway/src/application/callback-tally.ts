import type { CallbackCount, Store } from './ports.ts';
import { tellRefused } from './tell-refused.ts';

type Counted = Exclude<keyof CallbackCount, 'provider' | 'slips'>;

/** Slips of one provider that are told apart: more say no more. */
export const slipsToldApartMax = 8;

/** Shows what is counted, by provider. */
export type MeterCallbacks = (provider: string, what: Counted) => void;

/**
 * Counts callbacks by provider, so that none costs a statement and a flood of forged ones no more than one: {@link keep} writes
 * them from time to time, and tells what was refused, once a minute at the most.
 */
export class CallbackTally {
  readonly #meter: MeterCallbacks;
  readonly #counts = new Map<string, CallbackCount>();
  /** Something refused may be written and not told: also what an instance left that ended. */
  #untold = true;

  constructor(meter: MeterCallbacks = () => {}) {
    this.#meter = meter;
  }

  /** @param slipId of what is about a slip of its provider */
  note(provider: string, what: Counted, slipId?: string): void {
    this.#meter(provider, what);
    const slips = slipId === undefined ? [] : [slipId];
    this.#add({ ...nothing, provider, slips, [what]: 1 });
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
        if (events.length > 0)
          await tellRefused(
            tx,
            told.map(({ provider }) => provider),
          );
        if (events.length > 0) tx.tell(events.map((event) => ({ subject: event.data.provider, event })));
        return isMoreUntold;
      });
    } catch (error) {
      for (const count of counts) this.#add(count);
      throw error;
    }
    return counts.length;
  }

  #add(count: CallbackCount): void {
    const { provider } = count;
    const before = this.#counts.get(provider) ?? { ...nothing, provider };
    this.#counts.set(provider, {
      provider,
      refused: before.refused + count.refused,
      aboutItsSlips: before.aboutItsSlips + count.aboutItsSlips,
      slips: [...new Set([...before.slips, ...count.slips])].slice(0, slipsToldApartMax),
      accepted: before.accepted + count.accepted,
    });
  }
}

const nothing = { refused: 0, aboutItsSlips: 0, slips: [], accepted: 0 };
