import type { Stall } from '../../domain/diagnosis/stalls.ts';

/** Stalls in memory; of more the oldest are forgotten: a service that stands still so often is in a state of its own. */
const stallsMax = 1_000;

/** The stalls of our services as their ticks tell them: filled from the ticks, read by whoever decides, kept in a table. */
export class StallBook {
  #stalls: readonly Stall[];
  #unsaved: Stall[] = [];

  constructor(kept: readonly Stall[]) {
    this.#stalls = kept.slice(-stallsMax);
  }

  note(stall: Stall): void {
    // Ticks are read again, and every instance hears them.
    const isKnown = ({ service, until }: Stall) => service === stall.service && until === stall.until;
    if (this.#stalls.some(isKnown)) return;
    this.#stalls = [...this.#stalls.slice(1 - stallsMax), stall];
    this.#unsaved = [...this.#unsaved.slice(1 - stallsMax), stall];
  }

  /** The oldest first. */
  all(): readonly Stall[] {
    return this.#stalls;
  }

  /** Keeps what is new; when that fails, it is new again the next time. */
  async save(keep: (stalls: readonly Stall[]) => Promise<void>): Promise<void> {
    const stalls = this.#unsaved;
    if (stalls.length === 0) return;
    await keep(stalls);
    this.#unsaved = this.#unsaved.filter((stall) => !stalls.includes(stall));
  }
}
